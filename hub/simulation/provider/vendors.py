"""Vendors at the provider: their accounts, what is transferred to them and taken back, and payouts to banks, theirs and ours."""

from hub.payments.facts import AccountFacts, PayoutFacts, Settling
from hub.payments.ports import GatewayRefused
from hub.sandbox.accounts import NEEDED
from hub.sandbox.payouts import ARRIVES_AFTER, FAILURES
from hub.simulation.nature import Nature
from hub.simulation.provider.books import PLATFORM, Book
from hub.simulation.provider.objects import INVALID, Account, Charge, NotKept, Payout, Reversal, Transfer, missing
from hub.simulation.provider.refunds import Refunds

DAY = 86_400
PAST_DUE = "requirements.past_due"
SHORT = "balance_insufficient"
CODES = sorted(FAILURES)


class Vendors(Refunds):
    """The acts on accounts and their money; each raises `GatewayRefused`."""

    def __init__(self, nature: Nature, *, reversals_need_funds: bool = True, refunds_wait_for_funds: bool = False) -> None:
        super().__init__(nature, reversals_need_funds=reversals_need_funds, refunds_wait_for_funds=refunds_wait_for_funds)
        self._transfers_of: dict[str, list[Transfer]] = {}
        """By order."""
        self._payouts_of: dict[tuple[str | None, str], Payout] = {}
        """The newest by account and key."""

    def create_account(self, key: str, vendor: str, name: str, country: str) -> str:
        """A new account; its vendor fills in the forms within a day, or never."""
        account = Account(self.new("acct"), key, vendor, name, country, due=list(NEEDED), reason=PAST_DUE)
        self.accounts_by[account.id] = account
        self._books[account.id] = Book()
        if not self.nature.strikes("vendor_never_onboards"):
            self.plan(self.nature.seconds("vendor onboards", 60, DAY), self._enable, account)
        return account.id

    def look_account(self, reference: str) -> AccountFacts:
        """As it stands now."""
        found = self._account(reference)
        return AccountFacts(account=found.id, may_receive=found.ready, may_pay_out=found.ready, due=list(found.due), reason=found.reason)

    def onboarding_link(self, reference: str) -> str:
        """Where the vendor would fill in the forms."""
        self._made += 1
        return f"https://provider.invalid/onboard/{self._account(reference).id}/{self._made}"

    def onboard(self, account: str) -> None:
        """The vendor has given all that was asked."""
        self.arrive()
        self._enable(self.accounts_by[account])

    def restrict(self, account: str) -> None:
        """The provider wants to know more: no transfers and no payouts until then."""
        self.arrive()
        self._disable(self.accounts_by[account])

    def create_transfer(  # one transfer, as it is asked for
        self, key: str, charge_id: str | None, account: str, amount: int, currency: str, order_id: str
    ) -> str:
        """Move money: of a charge, even while it is pending, or of what is available."""
        to = self._account(account)
        if not to.ready:
            raise GatewayRefused("insufficient_capabilities_for_transfer", "Your destination account needs the capability: transfers")
        if amount < 1:
            raise NotKept(INVALID, "A transfer is of at least 1.")
        charge = None if charge_id is None else self.charge(charge_id)
        if charge is None:
            if self.purse(PLATFORM, currency).available < amount:
                raise GatewayRefused(SHORT, "You have insufficient available funds in your account.")
            available_on = self.now
        else:
            _check_source(charge, amount, currency)
            charge.transferred += amount
            available_on = max(self.now, charge.available_on)
        transfer = Transfer(self.new("tr"), key, order_id, charge, to.id, amount, currency)
        self.transfers_by[transfer.id] = transfer
        self._transfers_of.setdefault(order_id, []).append(transfer)
        self.post(PLATFORM, "transfer", transfer.id, -amount, currency, available_on=available_on)
        self.post(to.id, "payment", self.new("py"), amount, currency, available_on=available_on)
        self.announce("transfer.created", transfer.id, of=transfer.order_id)
        if self.nature.strikes("provider_restricts"):
            self.plan(self.nature.seconds("provider restricts", 60, DAY), self._disable_for_a_while, to)
        return transfer.id

    def find_transfer(self, key: str, order_id: str) -> str | None:
        """The newest of an order that was made under the key."""
        return next((one.id for one in reversed(self._transfers_of.get(order_id, [])) if one.key == key), None)

    def create_reversal(self, key: str, transfer_id: str, amount: int, order_id: str) -> str:
        """Take back `amount` of a transfer, if the account has it."""
        transfer = self._transfer(transfer_id)
        left = transfer.amount - transfer.reversed
        if amount < 1:
            raise NotKept(INVALID, "A reversal is of at least 1.")
        if left == 0:
            raise GatewayRefused("transfer_already_reversed", f"The transfer {transfer.id} is already fully reversed.")
        if amount > left:
            raise GatewayRefused(INVALID, f"Reversal amount ({amount}) is greater than unreversed amount ({left}).")
        purse = self.purse(transfer.account, transfer.currency)
        if self.reversals_need_funds and purse.available + purse.pending < amount:
            raise GatewayRefused(SHORT, "The destination account has not enough funds.")
        reversal = Reversal(self.new("trr"), key, transfer, order_id, amount)
        self.reversals_by[reversal.id] = reversal
        transfer.reversals.append(reversal)
        transfer.reversed += amount
        self.post(PLATFORM, "transfer_refund", reversal.id, amount, transfer.currency)
        self.post(transfer.account, "payment_refund", self.new("pyr"), -amount, transfer.currency)
        self.announce("transfer.reversed", transfer.id, of=transfer.order_id)
        return reversal.id

    def find_reversal(self, key: str, transfer_id: str) -> str | None:
        """The newest of a transfer that was made under the key."""
        return next((one.id for one in reversed(self._transfer(transfer_id).reversals) if one.key == key), None)

    def create_payout(self, key: str, account: str | None, amount: int, currency: str) -> PayoutFacts:
        """Send available money to the bank."""
        if account is not None and not self._account(account).ready:
            raise GatewayRefused("payouts_not_allowed", "Cannot create payouts: this account has not finished onboarding.")
        if amount < 1:
            raise NotKept(INVALID, "A payout is of at least 1.")
        if self.purse(account or PLATFORM, currency).available < amount:
            raise GatewayRefused(SHORT, "You have insufficient available funds in your account.")
        payout = Payout(self.new("po"), key, account, amount, currency, self.now + ARRIVES_AFTER)
        self.payouts_by[payout.id] = self._payouts_of[account, key] = payout
        self.post(account or PLATFORM, "payout", payout.id, -amount, currency)
        self.announce("payout.created", payout.id, account)
        self.plan(ARRIVES_AFTER, self._arrive, payout)
        if self.nature.strikes("payout_fails"):
            code = self.nature.dice("payout code").choice(CODES)
            self.plan(self.nature.seconds("payout fails", DAY / 2, 10 * DAY), self._return, payout, code)
        return self.payout_facts(payout)

    def look_payout(self, reference: str, account: str | None) -> PayoutFacts:
        """As it stands now."""
        payout = self.payouts_by.get(reference)
        if payout is None or payout.account != account:
            raise missing("payout", reference)
        return self.payout_facts(payout)

    def find_payout(self, key: str, account: str | None) -> PayoutFacts | None:
        """The newest of an account that was made under the key."""
        found = self._payouts_of.get((account, key))
        return None if found is None else self.payout_facts(found)

    def fail_payout(self, payout: str, code: str = "account_closed") -> bool:
        """The bank sends it back, perhaps after it was reported as paid; False if it had."""
        self.arrive()
        return self._return(self.payouts_by[payout], code)

    def payout_facts(self, payout: Payout) -> PayoutFacts:
        """In the port's words."""
        return PayoutFacts(
            reference=payout.id,
            state=payout.state,
            amount=payout.amount,
            currency=payout.currency,
            account=payout.account,
            key=payout.key,
            arrives=payout.arrives,
            reason=payout.reason,
        )

    def _account(self, reference: str) -> Account:
        found = self.accounts_by.get(reference)
        if found is None:
            raise missing("account", reference)
        return found

    def _transfer(self, reference: str) -> Transfer:
        found = self.transfers_by.get(reference)
        if found is None:
            raise missing("transfer", reference)
        return found

    def _enable(self, account: Account) -> None:
        account.ready, account.due, account.reason = True, [], ""
        self.announce("account.updated", account.id, account.id)

    def _disable(self, account: Account) -> None:
        account.ready, account.due, account.reason = False, ["individual.verification.document"], PAST_DUE
        self.announce("capability.updated", "transfers", account.id)
        self.announce("account.updated", account.id, account.id)

    def _disable_for_a_while(self, account: Account) -> None:
        self._disable(account)
        self.plan(self.nature.seconds("provider relents", 3_600, 3 * DAY), self._enable, account)

    def _arrive(self, payout: Payout) -> None:
        if payout.state is Settling.PENDING:
            payout.state = Settling.DONE
            self.announce("payout.paid", payout.id, payout.account)

    def _return(self, payout: Payout, code: str) -> bool:
        if payout.state is Settling.FAILED:
            return False
        payout.state, payout.reason = Settling.FAILED, code
        self.post(payout.account or PLATFORM, "payout_failure", payout.id, payout.amount, payout.currency)
        self.announce("payout.failed", payout.id, payout.account)
        return True


def _check_source(charge: Charge, amount: int, currency: str) -> None:
    if charge.currency != currency:
        raise GatewayRefused(INVALID, f"The transfer must be in the charge's currency ({charge.currency}).")
    if charge.transferred + amount > charge.amount:
        raise GatewayRefused(INVALID, f"Transfers of this charge must not exceed {charge.amount} (already used: {charge.transferred}).")

"""What happens to a call on its way to the simulated provider, and what the provider remembers by key."""

import asyncio

import pytest

from hub.payments.ports import InDoubt, NotSent
from hub.simulation.nature import Nature
from hub.simulation.process import Crashed, Process
from hub.simulation.provider import Provider, SimulatedGateway
from tests.gateways.contract import AMOUNT, DAY, ORDER, refused
from tests.simulation.provider_play import HOUR, PATIENCE, World, fails, play


class TestOnTheWay:
    """What happens to one call."""

    def test_a_call_takes_its_latency(self) -> None:
        async def script(world: World) -> None:
            await world.opened()
            assert 0.025 <= world.now() <= 0.075

        play({}, script)

    @pytest.mark.parametrize(("fault", "after"), [("provider_unreachable", None), ("provider_rate_limits", 1.0)])
    def test_what_was_not_sent_did_not_act(self, fault: str, after: float | None) -> None:
        async def script(world: World) -> None:
            error = await fails(world.opened(), NotSent)
            assert isinstance(error, NotSent)
            assert error.retry_after == after
            assert not world.provider.payments()
            assert isinstance(await fails(world.gateway.find_transfer("t", order_id=ORDER), InDoubt), InDoubt)

        assert play({fault: 1.0}, script).nature.struck[fault] == 2

    def test_a_lost_request_did_not_act(self) -> None:
        async def script(world: World) -> None:
            await fails(world.opened(), InDoubt)
            assert not world.provider.payments()
            assert 0 < world.now() <= PATIENCE

        assert play({"provider_request_lost": 1.0}, script).nature.struck == {"provider_request_lost": 1}

    def test_an_answer_is_lost_and_the_key_says_it_again(self) -> None:
        async def script(world: World) -> None:
            world.nature.rates = {"provider_answer_lost": 1.0}
            await fails(world.opened(), InDoubt)
            world.nature.rates = {}
            reference = await world.opened()
            assert [payment.id for payment in world.provider.payments()] == [reference]
            world.nature.rates = {"provider_answer_lost": 1.0}
            await fails(world.gateway.capture("c", reference, 1), InDoubt)  # a refusal is lost too
            world.nature.rates = {}
            assert await refused(world.gateway.capture("c", reference, 1)) == "payment_intent_unexpected_state"

        play({}, script)

    def test_a_slow_request_acts_after_its_caller_gave_up(self) -> None:
        async def script(world: World) -> None:
            late = 0
            for number in range(20):
                before, began = len(world.provider.payments()), world.now()
                try:
                    await world.opened(f"k{number}")
                except InDoubt:
                    assert world.now() == began + PATIENCE
                    assert len(world.provider.payments()) == before
                    await asyncio.sleep(3 * PATIENCE)
                    late += 1
                assert len(world.provider.payments()) == before + 1
            assert 0 < late < 20

        play({"provider_slow": 1.0}, script)

    def test_what_acts_late_acts_once_with_its_repetition(self) -> None:
        async def script(world: World) -> None:
            world.nature.rates = {"provider_slow": 1.0}
            while True:
                try:
                    await world.opened()
                except InDoubt:
                    break
                world.provider = Provider(world.nature)
                world.gateway = SimulatedGateway(world.provider, world.process)
            world.nature.rates = {}
            reference = await world.opened()
            await asyncio.sleep(3 * PATIENCE)
            assert [payment.id for payment in world.provider.payments()] == [reference]

        play({}, script)

    def test_while_it_is_down_nobody_is_answered_and_some_calls_act(self) -> None:
        async def script(world: World) -> None:
            world.provider.down = True
            seen: dict[str, int] = {"NotSent": 0, "InDoubt": 0}
            while world.gateway.answers or seen["InDoubt"] < 8:
                await asyncio.sleep(16)
                try:
                    await world.opened(f"k{sum(seen.values())}")
                except (NotSent, InDoubt) as error:
                    seen[type(error).__name__] += 1
            assert seen["NotSent"]
            assert 0 < len(world.provider.payments()) < seen["InDoubt"]
            world.provider.down = False
            before = len(world.provider.payments())
            assert isinstance(await fails(world.opened("open"), NotSent), NotSent)  # the circuit is open: nothing is asked
            assert len(world.provider.payments()) == before
            await asyncio.sleep(15)
            assert world.gateway.answers
            assert await world.opened("closed")

        play({}, script)

    def test_a_process_dies_before_or_after_it_acts_and_the_provider_lives_on(self) -> None:
        outcomes: set[tuple[int, int]] = set()

        async def one(world: World) -> None:
            task = world.process.start(world.opened())
            with pytest.raises(asyncio.CancelledError):
                await task
            assert not world.process.alive
            again = Process(world.nature, "worker")
            world.nature.rates = {}
            world.gateway = SimulatedGateway(world.provider, again)
            before = len(world.provider.payments())
            await world.opened()
            outcomes.add((before, len(world.provider.payments())))

        for seed in filter(_crashes, range(40)):
            play({"crash": 0.5}, one, seed=seed)
        assert outcomes == {(0, 1), (1, 1)}

    @pytest.mark.parametrize("gone", [False, True])
    def test_a_request_in_flight_may_arrive_although_its_sender_died(self, *, gone: bool) -> None:
        async def script(world: World) -> None:
            task = world.process.start(world.opened())
            await asyncio.sleep(0.01)
            assert not world.provider.payments()
            if gone:
                world.process.kill("the test")
            else:
                task.cancel()
            with pytest.raises(asyncio.CancelledError) as end:
                await task
            assert isinstance(end.value, Crashed) is gone

        arrived = [len(play({}, script, seed=seed).provider.payments_by) for seed in range(12)]
        assert set(arrived) == {0, 1}


def _crashes(seed: int) -> bool:
    nature = Nature(seed, {"crash": 0.5})
    return nature.strikes("crash") or nature.strikes("crash")


class TestKeys:
    def test_other_parameters_under_a_key_are_refused_even_where_something_is_found(self) -> None:
        async def script(world: World) -> None:
            charge, account = await world.taken(), await world.vendor()
            assert await world.opened() == await world.opened()
            assert await refused(world.opened(amount=1_234)) == "idempotency_error"
            await world.refund("r", charge, 100)
            assert await refused(world.refund("r", charge, 101)) == "idempotency_error"
            await world.share("t", charge, account, 100)
            assert await refused(world.share("t", charge, account, 99)) == "idempotency_error"

        play({}, script)

    def test_after_a_day_the_same_key_acts_again_and_only_a_look_tells(self) -> None:
        async def script(world: World) -> None:
            charge, account = await world.taken(), await world.vendor()
            shares = [await world.share("t", charge, account, 100)]
            refunds = [(await world.refund("r", charge, 100)).reference]
            reversals = [await world.gateway.reverse("x", transfer=shares[0], amount=10, order_id=ORDER)]
            await asyncio.sleep(DAY - 60)
            assert await world.share("t", charge, account, 100) == shares[0]
            await asyncio.sleep(120)
            assert await world.gateway.find_transfer("t", order_id=ORDER) == shares[0]
            shares.append(await world.share("t", charge, account, 100))
            refunds.append((await world.refund("r", charge, 100)).reference)
            reversals.append(await world.gateway.reverse("x", transfer=shares[0], amount=10, order_id=ORDER))
            assert [one.id for one in world.provider.transfers() if one.key == "t"] == shares
            assert [one.id for one in world.provider.refunds() if one.key == "r"] == refunds
            assert [one.id for one in world.provider.reversals() if one.key == "x"] == reversals
            assert len({*shares, *refunds, *reversals}) == 6
            assert await world.gateway.find_transfer("t", order_id=ORDER) == shares[1]
            await asyncio.sleep(2 * DAY)
            paid = [(await world.gateway.pay_out("p", account=account, amount=10, currency="EUR")).reference]
            await asyncio.sleep(DAY)
            paid.append((await world.gateway.pay_out("p", account=account, amount=10, currency="EUR")).reference)
            assert [payout.id for payout in world.provider.payouts()] == paid
            assert paid[0] != paid[1]

        play({}, script)

    def test_a_refusal_is_the_keys_and_a_senseless_request_is_not(self) -> None:
        async def script(world: World) -> None:
            account, held = await world.vendor(), await world.held()
            assert await refused(world.gateway.capture("c", held, AMOUNT + 1)) == "amount_too_large"
            await world.gateway.capture("c2", held, AMOUNT)
            assert await refused(world.share("t", None, account, 500)) == "balance_insufficient"
            await asyncio.sleep(DAY // 2)
            await asyncio.sleep(DAY)
            assert await refused(world.share("t1", None, account, 500)) == "balance_insufficient"
            await asyncio.sleep(DAY - HOUR)
            assert await refused(world.share("t1", None, account, 500)) == "balance_insufficient"
            assert world.provider.balance(None, "EUR").available > 500
            assert await world.share("t2", None, account, 500)

        play({}, script)

    def test_what_is_done_is_adopted_whatever_its_key_and_age(self) -> None:
        async def script(world: World) -> None:
            charge, account = await world.taken(), await world.vendor()
            moved = await world.share("t", charge, account, AMOUNT)
            back = await world.gateway.reverse("x", transfer=moved, amount=AMOUNT, order_id=ORDER)
            refund = await world.refund("r", charge, AMOUNT)
            await asyncio.sleep(2 * DAY)
            assert await world.share("t", charge, account, AMOUNT) == moved
            assert await world.gateway.reverse("x", transfer=moved, amount=AMOUNT, order_id=ORDER) == back
            assert await world.refund("r", charge, AMOUNT) == refund
            assert (await world.gateway.capture("other", "pi_1", AMOUNT)).charge == charge

        play({}, script)

"""Bank files as banks write them."""

from collections.abc import Sequence

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001"


def details(
    amount: str = "", *, end_to_end: str = "NOTPROVIDED", said: str = "", structured: str = "", name: str = "Ada", iban: str = ""
) -> str:
    """One transaction of an entry."""
    money = f'<AmtDtls><TxAmt><Amt Ccy="EUR">{amount}</Amt></TxAmt></AmtDtls>' if amount else ""
    account = f"<DbtrAcct><Id><IBAN>{iban}</IBAN></Id></DbtrAcct>" if iban else ""
    creditor = f"<Strd><CdtrRefInf><Ref>{structured}</Ref></CdtrRefInf></Strd>" if structured else ""
    return (
        f"<TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId></Refs>{money}<RltdPties><Dbtr><Nm>{name}</Nm></Dbtr>{account}</RltdPties>"
        f"<RmtInf>{creditor}<Ustrd>{said}</Ustrd></RmtInf></TxDtls>"
    )


def entry(amount: str, bank_id: str, *transactions: str, sign: str = "CRDT", status: str = "BOOK", currency: str = "EUR") -> str:
    """One line of a statement."""
    known = f"<AcctSvcrRef>{bank_id}</AcctSvcrRef>" if bank_id else ""
    return (
        f'<Ntry><Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Sts>{status}</Sts>'
        f"<BookgDt><Dt>2026-01-31</Dt></BookgDt>{known}<NtryDtls>{''.join(transactions)}</NtryDtls></Ntry>"
    )


def camt(iban: str, entries: Sequence[str], version: str = "02") -> str:
    """A statement; from version 08 on, statuses have codes and parties are wrapped."""
    body = "".join(entries)
    if version >= "08":
        body = body.replace("<Sts>", "<Sts><Cd>").replace("</Sts>", "</Cd></Sts>")
        body = body.replace("<Dbtr><Nm>", "<Dbtr><Pty><Nm>").replace("</Nm></Dbtr>", "</Nm></Pty></Dbtr>")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><Document xmlns="{NAMESPACE}.{version}"><BkToCstmrStmt><GrpHdr><MsgId>1</MsgId></GrpHdr>'
        f"<Stmt><Id>1</Id><Acct><Id><IBAN>{iban}</IBAN></Id></Acct>{body}</Stmt></BkToCstmrStmt></Document>"
    )

"""Writes outgoing orders as an ISO 20022 pain.001.001.09 credit transfer, which every European bank's software takes."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement, tostring  # only written here, nothing is parsed

from hub.gateways.bank.model import BankOrder
from hub.gateways.bank.rules import plain
from hub.kernel import money
from hub.vendors.money_terms import BankAccount

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
NAME_MAX = 70
TEXT_MAX = 140
ID_MAX = 35


def write(export_id: str, orders: Sequence[BankOrder], ours: BankAccount, at: datetime) -> str:
    """One message with one payment information per currency; written anew it is the same, so banks know a second one."""
    root = Element("Document", xmlns=NAMESPACE)
    message = SubElement(root, "CstmrCdtTrfInitn")
    header = SubElement(message, "GrpHdr")
    _put(header, "MsgId", plain_id(export_id))
    _put(header, "CreDtTm", at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    _put(header, "NbOfTxs", str(len(orders)))
    _put(header, "InitgPty/Nm", plain(ours.holder, NAME_MAX))
    ordered = sorted(orders, key=lambda order: (order.currency, order.id))
    for currency, group in groupby(ordered, key=lambda order: order.currency):
        _information(message, export_id, currency, list(group), ours, at)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode")


def plain_id(text: str) -> str:
    """An id of ours in the characters that banks take."""
    return text.replace("_", "").upper()[:ID_MAX]


def _information(  # the five things it is made of
    message: Element, export_id: str, currency: str, orders: list[BankOrder], ours: BankAccount, at: datetime
) -> None:
    part = SubElement(message, "PmtInf")
    _put(part, "PmtInfId", f"{plain_id(export_id)[: ID_MAX - 4]}-{currency}")
    _put(part, "PmtMtd", "TRF")
    _put(part, "NbOfTxs", str(len(orders)))
    _put(part, "CtrlSum", _decimal(sum(order.amount for order in orders), currency))
    if currency == "EUR":
        _put(part, "PmtTpInf/SvcLvl/Cd", "SEPA")
    _put(part, "ReqdExctnDt/Dt", at.strftime("%Y-%m-%d"))
    _put(part, "Dbtr/Nm", plain(ours.holder, NAME_MAX))
    _put(part, "DbtrAcct/Id/IBAN", ours.iban)
    _agent(part, "DbtrAgt", ours.bic)
    _put(part, "ChrgBr", "SLEV")
    for order in orders:
        transfer = SubElement(part, "CdtTrfTxInf")
        _put(transfer, "PmtId/EndToEndId", order.end_to_end)
        _put(transfer, "Amt/InstdAmt", _decimal(order.amount, currency)).set("Ccy", currency)
        if order.bic:
            _agent(transfer, "CdtrAgt", order.bic)
        _put(transfer, "Cdtr/Nm", plain(order.holder, NAME_MAX) or "NOTPROVIDED")
        _put(transfer, "CdtrAcct/Id/IBAN", order.iban or "")
        _put(transfer, "RmtInf/Ustrd", plain(order.text, TEXT_MAX))


def _agent(parent: Element, role: str, bic: str | None) -> None:
    if bic:
        _put(parent, f"{role}/FinInstnId/BICFI", bic)
    else:
        _put(parent, f"{role}/FinInstnId/Othr/Id", "NOTPROVIDED")


def _put(parent: Element, path: str, text: str) -> Element:
    for name in path.split("/"):
        parent = SubElement(parent, name)
    parent.text = text
    return parent


def _decimal(amount: int, currency: str) -> str:
    return money.show(amount, currency).split()[0]

"""What we read of the shop's answers; other fields are let be.

https://developer.woocommerce.com/docs/apis/rest-api/v3/orders/, …/products/ and …/shipping-zone-methods/.
"""

from typing import Any

import msgspec


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product, or a variation of `parent_id`. `stock_quantity` is None where the shop does not count."""

    id: int
    sku: str
    parent_id: int = 0
    type: str = "simple"
    stock_quantity: float | None = None
    stock_status: str = ""


class Meta(msgspec.Struct, frozen=True, kw_only=True):
    """Something kept with an order; plugins put any value there."""

    key: str
    value: Any = None


class OrderLine(msgspec.Struct, frozen=True, kw_only=True):
    """An item of an order."""

    id: int
    quantity: float
    sku: str | None = None


class ShippingLine(msgspec.Struct, frozen=True, kw_only=True):
    """The shipping of an order."""

    id: int
    method_id: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """An order of the shop."""

    id: int
    status: str
    number: str = ""
    meta_data: list[Meta] = []
    line_items: list[OrderLine] = []
    shipping_lines: list[ShippingLine] = []


class Tracking(msgspec.Struct, frozen=True, kw_only=True):
    """A parcel of the Shipment Tracking extension."""

    tracking_provider: str
    tracking_number: str


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a shipping method; extensions put any value there."""

    value: Any = ""


class Method(msgspec.Struct, frozen=True, kw_only=True):
    """A way by which a zone is shipped to. PHP writes settings that are none as an empty list."""

    instance_id: int
    method_id: str
    title: str = ""
    enabled: bool = False
    settings: dict[str, Setting] | list[Any] = []


class Currency(msgspec.Struct, frozen=True, kw_only=True):
    """What the shop sells in (ISO 4217)."""

    code: str


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """An error of the REST API."""

    code: str = ""
    message: str = ""

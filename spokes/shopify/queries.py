"""What we ask of the GraphQL Admin API, version 2026-10; the tests validate each against the published schema of that version."""

API_VERSION = "2026-10"

ORDER_FIELDS = """
fragment OrderFields on Order {
  id
  name
  cancelledAt
  canMarkAsPaid
  displayFulfillmentStatus
  fulfillments(first: 100) {
    status
    displayStatus
    trackingInfo(first: 100) { company number }
  }
}
"""

VARIANTS = """
query Variants($search: String!, $location: ID!) {
  productVariants(first: 100, query: $search) {
    nodes {
      id
      sku
      inventoryItem {
        id
        tracked
        inventoryLevel(locationId: $location) { quantities(names: ["available"]) { quantity } }
      }
    }
  }
}
"""

MOVE = """
mutation Move($input: InventoryMoveQuantitiesInput!, $key: String!) {
  inventoryMoveQuantities(input: $input) @idempotent(key: $key) {
    userErrors { code message field }
  }
}
"""

ORDER = (
    ORDER_FIELDS
    + """
query Order($namespace: String!, $key: String!, $value: String!) {
  orderByIdentifier(identifier: { customId: { namespace: $namespace, key: $key, value: $value } }) { ...OrderFields }
}
"""
)

CREATE = (
    ORDER_FIELDS
    + """
mutation Create($order: OrderCreateOrderInput!, $options: OrderCreateOptionsInput) {
  orderCreate(order: $order, options: $options) {
    order { ...OrderFields }
    userErrors { code message field }
  }
}
"""
)

PAY = (
    ORDER_FIELDS
    + """
mutation Pay($id: ID!) {
  orderMarkAsPaid(input: { id: $id }) {
    order { ...OrderFields }
    userErrors { message field }
  }
}
"""
)

CANCEL = """
mutation Cancel($id: ID!) {
  orderCancel(
    orderId: $id
    reason: OTHER
    restock: true
    notifyCustomer: false
    refundMethod: { originalPaymentMethodsRefund: false }
  ) {
    orderCancelUserErrors { code message field }
  }
}
"""

DEFINE = """
mutation Define($definition: MetafieldDefinitionInput!) {
  metafieldDefinitionCreate(definition: $definition) {
    userErrors { code message field }
  }
}
"""

ALL = {"variants": VARIANTS, "move": MOVE, "order": ORDER, "create": CREATE, "pay": PAY, "cancel": CANCEL, "define": DEFINE}

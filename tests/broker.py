"""What a test needs of a client of the broker beyond what the client offers."""

from nats.aio.client import Client


async def sent(client: Client) -> None:
    """Return when the broker has had all that `client` subscribed to and published before.

    One `flush` of nats-py 2.16 does not promise it: its PING goes to the socket at once, what was said before waits for
    the next turn of the client's writer. The second PING finds all of it written.
    """
    await client.flush()
    await client.flush()

"""aiortc (and with it aioice) beside `linnet echo --signal stdio`: signaling on standard input and output."""
import asyncio
import json
import sys

import aiortc
import aiortc.rtcicetransport
import aiortc.sdp
from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection, RTCSessionDescription

from exchange import OPTIONS, contents

if OPTIONS.relay_only:  # aiortc has no iceTransportPolicy, and that of aioice only hides the others: so it gets no sockets for them
    of_servers = aiortc.rtcicetransport.connection_kwargs
    aiortc.rtcicetransport.connection_kwargs = lambda servers: {**of_servers(servers), "use_ipv4": False, "use_ipv6": False}


def say(**body):
    print(json.dumps(body), flush=True)


async def describe(connection, description):
    await connection.setLocalDescription(description)
    own = connection.localDescription
    say(description={"type": own.type, "sdp": own.sdp})


async def listen(connection):
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        body = json.loads(line)
        if description := body.get("description"):
            await connection.setRemoteDescription(RTCSessionDescription(**description))
            if description["type"] == "offer":
                await describe(connection, await connection.createAnswer())
        elif (body.get("candidate") or {}).get("candidate"):
            candidate = aiortc.sdp.candidate_from_sdp(body["candidate"]["candidate"].removeprefix("candidate:"))
            candidate.sdpMid = body["candidate"].get("sdpMid")
            candidate.sdpMLineIndex = body["candidate"].get("sdpMLineIndex")
            if candidate.protocol == "udp":
                await connection.addIceCandidate(candidate)


async def opened(channel):
    while channel.readyState != "open":
        await asyncio.sleep(0.01)


async def exchange(channel):
    answers = asyncio.Queue()
    channel.on("message", answers.put_nowait)
    await opened(channel)
    for content in contents():
        channel.send(content)
        assert await answers.get() == content, f"another answer on {channel.label}"


async def main():
    servers = [RTCIceServer(urls=OPTIONS.ice_server[0], username=OPTIONS.ice_server[1], credential=OPTIONS.ice_server[2])] if OPTIONS.ice_server else []
    connection = RTCPeerConnection(RTCConfiguration(iceServers=servers))
    first = asyncio.get_running_loop().create_future()
    if OPTIONS.offer:
        first.set_result(connection.createDataChannel("echo"))
        await describe(connection, await connection.createOffer())
    else:
        connection.on("datachannel", first.set_result)
    listening = asyncio.ensure_future(listen(connection))
    await asyncio.wait({first, listening}, return_when=asyncio.FIRST_COMPLETED)
    await exchange(first.result())
    kinds = ({}, {"ordered": False}, {"maxRetransmits": 3}, {"ordered": False, "maxPacketLifeTime": 500}, {"protocol": "p"})
    # Plain letters: of others aiortc 1.4 counts characters where RFC 8832 section 5.1 wants bytes, and the channel is refused.
    await asyncio.gather(*(exchange(connection.createDataChannel(f"kind {i}", **kind)) for i, kind in enumerate(kinds)))
    listening.cancel()
    await connection.close()


asyncio.run(asyncio.wait_for(main(), OPTIONS.patience))

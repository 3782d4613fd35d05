// werift: WebRTC in TypeScript.
import { createSocket } from 'node:dgram';
import { RTCPeerConnection } from 'werift';
import { run, version_of } from '../common/node.mjs';
import { w3c } from '../common/w3c.mjs';

// Without a STUN server it asks a public one and waits 5 seconds for it. This one answers at once (RFC 8489 section 14.2).
const stun = createSocket('udp4');
stun.on('message', (request, { address, port }) => {
  const answer = Buffer.alloc(32);
  request.copy(answer, 0, 0, 20);
  answer.writeUInt16BE(0x0101, 0);
  answer.writeUInt16BE(12, 2);
  answer.writeUInt16BE(0x0020, 20);
  answer.writeUInt16BE(8, 22);
  answer.writeUInt16BE(1, 24);
  answer.writeUInt16BE(port ^ 0x2112, 26);
  address.split('.').forEach((part, i) => answer.writeUInt8(Number(part) ^ request[4 + i], 28 + i));
  stun.send(answer, port, address);
});
await new Promise((bound) => stun.bind(0, '127.0.0.1', bound));

await run(
  w3c({
    name: 'werift',
    version: version_of(import.meta.url, 'werift'),
    RTCPeerConnection,
    // bufferedAmount leaves out what its SCTP has taken and not sent, which has no limit and slows it down.
    polls: true,
    queued: (connection) => 1200 * (connection.sctpTransport?.sctp.outboundQueue.length ?? 0),
    configuration: { iceServers: [{ urls: `stun:127.0.0.1:${stun.address().port}` }] },
  }),
);

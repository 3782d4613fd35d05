// libwebrtc, Chromium's library, as @roamhq/wrtc builds it for Node, beside `linnet echo --signal stdio`: signaling on standard input and
// output.
import { randomBytes } from 'node:crypto';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import wrtc from '@roamhq/wrtc';

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: { offer: { type: 'boolean' }, 'relay-only': { type: 'boolean' }, 'ice-server': { type: 'boolean' }, patience: { type: 'string', default: '60' } },
});
const [urls, username, credential] = options['ice-server'] ? positionals : [];
const connection = new wrtc.RTCPeerConnection({
  iceServers: urls ? [{ urls, username, credential }] : [],
  iceTransportPolicy: options['relay-only'] ? 'relay' : 'all',
});
const say = (body) => process.stdout.write(`${JSON.stringify(body)}\n`);
const describe = async (description) => {
  await connection.setLocalDescription(description);
  say({ description: { type: description.type, sdp: description.sdp } });
};
connection.onicecandidate = ({ candidate }) => {
  if (candidate) say({ candidate: { candidate: candidate.candidate, sdpMid: candidate.sdpMid, sdpMLineIndex: candidate.sdpMLineIndex } });
};

let described = false;
const waiting = [];
async function hear({ description, candidate }) {
  if (description) {
    await connection.setRemoteDescription(description);
    described = true;
    for (const each of waiting.splice(0)) await connection.addIceCandidate(each);
    if (description.type === 'offer') await describe(await connection.createAnswer());
  } else if (candidate?.candidate) {
    if (described) await connection.addIceCandidate(candidate);
    else waiting.push(candidate);
  }
}
let hearing = Promise.resolve();
createInterface(process.stdin).on('line', (line) => (hearing = hearing.then(() => hear(JSON.parse(line))).catch(fail)));

function fail(error) {
  process.stderr.write(`${error?.stack ?? error}\n`);
  process.exit(1);
}

function* contents() {
  for (const size of [1, 1_000, 16_384, 262_144]) {
    yield 'é'.repeat(Math.floor(size / 2)) + 'x'.repeat(size % 2);
    yield randomBytes(size);
  }
}
async function exchange(channel) {
  channel.binaryType = 'arraybuffer';
  if (channel.readyState !== 'open') await new Promise((done) => (channel.onopen = done));
  for (const content of contents()) {
    const answer = await new Promise((done) => {
      channel.onmessage = ({ data }) => done(data);
      channel.send(content);
    });
    const same = typeof content === 'string' ? answer === content : typeof answer !== 'string' && Buffer.from(answer).equals(content);
    if (!same) throw new Error(`another answer on ${channel.label}`);
  }
}

async function main() {
  const first = options.offer ? connection.createDataChannel('echo') : new Promise((done) => (connection.ondatachannel = ({ channel }) => done(channel)));
  if (options.offer) await describe(await connection.createOffer());
  await exchange(await first);
  const kinds = [{}, { ordered: false }, { maxRetransmits: 3 }, { ordered: false, maxPacketLifeTime: 500 }, { protocol: 'p' }];
  await Promise.all(kinds.map((kind, i) => exchange(connection.createDataChannel(`kind ${i} ä`, kind))));
  connection.close();
  process.exit(0);
}
setTimeout(() => fail('no connection in time'), Number(options.patience) * 1000);
main().catch(fail);

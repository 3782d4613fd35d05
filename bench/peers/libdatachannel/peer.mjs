// libdatachannel by node-datachannel's own API, which is nearer to the library than its W3C polyfill.
import native from 'node-datachannel';
import { run, version_of } from '../common/node.mjs';

const wrap = (channel) => ({
  label: channel.getLabel(),
  send: (data) => channel.sendMessageBinary(data),
  buffered: () => channel.bufferedAmount(),
  low(threshold, callback) {
    channel.setBufferedAmountLowThreshold(threshold);
    channel.onBufferedAmountLow(callback);
  },
  set onopen(callback) {
    if (channel.isOpen()) callback();
    else channel.onOpen(callback);
  },
  set onmessage(callback) {
    channel.onMessage((data) => callback(data.byteLength, new Uint8Array(data)));
  },
});

await run({
  name: 'libdatachannel',
  version: `${native.getLibraryVersion()} (node-datachannel ${version_of(import.meta.url, 'node-datachannel')})`,
  connection(offerer, handlers) {
    const connection = new native.PeerConnection('bench', { iceServers: [] });
    const channels = new Set();  // node-datachannel closes a channel that is collected
    const keep = (channel) => (channels.add(channel), wrap(channel));
    const early = [];
    let described = false;
    connection.onLocalDescription((sdp, type) => handlers.description(type, sdp));
    connection.onLocalCandidate((candidate, mid) => handlers.candidate(candidate, mid));
    connection.onDataChannel((channel) => handlers.channel(keep(channel)));
    return {
      start: (labels) => labels.map((label) => keep(connection.createDataChannel(label))),
      accept({ type, sdp, candidate, mid }) {
        // A candidate that comes while the connection closes is an error of this API.
        const add = (...each) => {
          try {
            connection.addRemoteCandidate(...each);
          } catch (error) {
            process.stderr.write(`${error}\n`);
          }
        };
        if (type) {
          connection.setRemoteDescription(sdp, type);
          described = true;
          for (const each of early.splice(0)) add(...each);
        } else if (described) {
          add(candidate, mid);
        } else {
          early.push([candidate, mid]);
        }
      },
      open: (label) => keep(connection.createDataChannel(label)),
      close: () => connection.close(),
    };
  },
});

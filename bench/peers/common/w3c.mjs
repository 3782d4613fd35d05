// A stack for driver.mjs over any RTCPeerConnection as the W3C has it.

const wrap = (channel, polls, queued) => {
  const own = {
    label: channel.label,
    send: (data) => channel.send(data),
    buffered: () => channel.bufferedAmount + queued(),
    low(threshold, callback) {
      if (polls) {
        const timer = setInterval(() => {
          if (channel.readyState !== 'open') clearInterval(timer);
          else if (own.buffered() <= threshold) callback();
        }, 1);
        return;
      }
      channel.bufferedAmountLowThreshold = threshold;
      channel.onbufferedamountlow = callback;
    },
    set onopen(callback) {
      if (channel.readyState === 'open') callback();
      else channel.onopen = callback;
    },
    set onmessage(callback) {
      channel.onmessage = ({ data }) => callback(data.byteLength, data);
    },
  };
  channel.binaryType = 'arraybuffer';
  return own;
};

/** `polls`: for a stack without bufferedamountlow. `queued`: bytes that wait on a connection beyond those of bufferedAmount. */
export function w3c({ name, version, RTCPeerConnection, configuration = {}, polls = false, queued = () => 0 }) {
  return {
    name,
    version,
    connection(offerer, handlers) {
      const connection = new RTCPeerConnection(configuration);
      const early = [];
      const mine = (channel) => wrap(channel, polls, () => queued(connection));
      connection.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate) handlers.candidate(candidate.candidate, candidate.sdpMid);
      };
      connection.ondatachannel = ({ channel }) => handlers.channel(mine(channel));
      let described = Promise.resolve();
      return {
        start(labels) {
          const channels = labels.map((label) => mine(connection.createDataChannel(label)));
          described = (async () => {
            const offer = await connection.createOffer();
            await connection.setLocalDescription(offer);
            handlers.description('offer', connection.localDescription.sdp);
          })();
          return channels;
        },
        async accept({ type, sdp, candidate, mid }) {
          if (candidate) {
            if (!connection.remoteDescription) early.push({ candidate, sdpMid: mid });
            else await connection.addIceCandidate({ candidate, sdpMid: mid, sdpMLineIndex: 0 });
            return;
          }
          await described;
          await connection.setRemoteDescription({ type, sdp });
          for (const each of early.splice(0)) void connection.addIceCandidate({ ...each, sdpMLineIndex: 0 });
          if (offerer) return;
          await connection.setLocalDescription(await connection.createAnswer());
          handlers.description('answer', connection.localDescription.sdp);
        },
        open: (label) => mine(connection.createDataChannel(label)),
        close: () => void connection.close(),
      };
    },
  };
}

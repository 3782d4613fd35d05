// A stack for driver.mjs over any RTCPeerConnection as the W3C has it.

const wrap = (channel, polls) => {
  const own = {
    label: channel.label,
    send: (data) => channel.send(data),
    buffered: () => channel.bufferedAmount,
    low(threshold, callback) {
      if (polls) return void setInterval(() => channel.bufferedAmount <= threshold && callback(), 1);
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

/** `polls`: for a stack without bufferedamountlow. */
export function w3c({ name, version, RTCPeerConnection, configuration = {}, polls = false }) {
  return {
    name,
    version,
    connection(offerer, handlers) {
      const connection = new RTCPeerConnection(configuration);
      const early = [];
      connection.onicecandidate = ({ candidate }) => {
        if (candidate?.candidate) handlers.candidate(candidate.candidate, candidate.sdpMid);
      };
      connection.ondatachannel = ({ channel }) => handlers.channel(wrap(channel, polls));
      let described = Promise.resolve();
      return {
        start(labels) {
          const channels = labels.map((label) => wrap(connection.createDataChannel(label), polls));
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
        open: (label) => wrap(connection.createDataChannel(label), polls),
        close: () => void connection.close(),
      };
    },
  };
}

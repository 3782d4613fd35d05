// libwebrtc, Chromium's library, as @roamhq/wrtc builds it for Node.
import wrtc from '@roamhq/wrtc';
import { run, version_of } from '../common/node.mjs';
import { w3c } from '../common/w3c.mjs';

await run(
  w3c({
    name: 'libwebrtc',
    version: `@roamhq/wrtc ${version_of(import.meta.url, '@roamhq/wrtc')}`,
    RTCPeerConnection: wrtc.RTCPeerConnection,
    polls: true,
  }),
);

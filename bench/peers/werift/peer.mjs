// werift: WebRTC in TypeScript.
import { RTCPeerConnection } from 'werift';
import { run, version_of } from '../common/node.mjs';
import { w3c } from '../common/w3c.mjs';

const stack = w3c({ name: 'werift', version: version_of(import.meta.url, 'werift'), RTCPeerConnection, configuration: { iceServers: [] } });
await run(stack);

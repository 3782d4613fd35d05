export * from './negotiator.ts';
export * from './peer.ts';
export * from './protocol.ts';
export * from './room.ts';
export * from './send_queue.ts';
export * from './signaling.ts';
export * from './transfer.ts';

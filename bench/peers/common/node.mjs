// Runs a stack of driver.mjs in Node: one role a process, the other side on standard input and output.
import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { Answerer, Offerer } from './driver.mjs';

export function options_of(args = process.argv.slice(2)) {
  const { values } = parseArgs({
    args,
    options: {
      role: { type: 'string', default: 'offer' },
      only: { type: 'string', default: 'w1,w2,w3,w4,w5' },
      seconds: { type: 'string', default: '4' },
      warm: { type: 'string', default: '0.5' },
      setups: { type: 'string', default: '200' },
      connections: { type: 'string', default: '1000' },
      channels: { type: 'string', default: '100,1000,16384,65534' },
      timeout: { type: 'string', default: '60' },
      result: { type: 'string', default: '/dev/stderr' },
    },
  });
  return {
    ...values,
    only: values.only.split(','),
    channels: values.channels.split(',').map(Number),
    ...Object.fromEntries(['seconds', 'warm', 'setups', 'connections', 'timeout'].map((key) => [key, Number(values[key])])),
  };
}

/** The exact version of an installed package. */
export const version_of = (module_url, name) =>
  JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, module_url), 'utf8')).version;

const host = {
  now: () => performance.now(),
  cpu() {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
  memory() {
    const found = readFileSync('/proc/self/smaps_rollup', 'utf8').matchAll(/^Private_\w+:\s+(\d+) kB/gm);
    return [...found].reduce((sum, [, kb]) => sum + Number(kb), 0);
  },
  async settle() {
    for (let i = 0; i < 3; ++i) {
      globalThis.gc?.();
      await new Promise((done) => setTimeout(done, 100));
    }
  },
};

export async function run(stack) {
  const options = options_of();
  const link = {
    send: (message) => void process.stdout.write(`${JSON.stringify(message)}\n`),
    onmessage: () => undefined,
  };
  const lines = createInterface(process.stdin);
  lines.on('line', (line) => link.onmessage(JSON.parse(line)));
  process.stdout.on('error', () => undefined);
  if (options.role === 'answer') {
    new Answerer(stack, link, host);
    // Not by the stack's own clean-up: some take seconds for it, some crash.
    lines.on('close', () => process.kill(process.pid, 'SIGKILL'));
    return;
  }
  const offerer = new Offerer(stack, link, host, options);
  const finish = () => {
    writeFileSync(options.result, `${JSON.stringify(offerer.result)}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
  lines.on('close', () => {
    offerer.result.errors.answerer = 'ended before the measurement did';
    finish();
  });
  await offerer.run();
  finish();
}

// A page's own RTCPeerConnection beside `linnet echo --signal stdio`.
import assert from 'node:assert/strict';
import { open, Program, serve, stopPrograms, type BrowserName, type Page } from './harness.ts';

export interface TestWindow extends Window {
  pc: RTCPeerConnection;
  /** The channel that `linnet echo` answers on. */
  echo: RTCDataChannel;
  outbox: string[];
  inbox: (line: string) => Promise<void>;
  channelNamed: (label: string) => Promise<RTCDataChannel>;
  roundTrip: (channel: RTCDataChannel, data: string | ArrayBuffer) => Promise<string | ArrayBuffer>;
  channelOpened: (channel: RTCDataChannel) => Promise<void>;
  channelClosed: (channel: RTCDataChannel) => Promise<void>;
}
declare const window: TestWindow;

/** Runs in the page: a connection whose signaling is two lists of lines. */
export function setUpPage(configuration: RTCConfiguration = {}): void {
  const pc = (window.pc = new RTCPeerConnection(configuration));
  window.outbox = [];
  const send = (body: unknown) => window.outbox.push(JSON.stringify(body));
  pc.onnegotiationneeded = async () => {
    await pc.setLocalDescription();
    send({ description: pc.localDescription });
  };
  pc.onicecandidate = ({ candidate }) => send({ candidate });
  const waiting: RTCIceCandidateInit[] = [];
  window.inbox = async (line) => {
    const body = JSON.parse(line) as { description?: RTCSessionDescriptionInit; candidate?: RTCIceCandidateInit | null };
    if (body.description) {
      await pc.setRemoteDescription(body.description);
      for (const candidate of waiting.splice(0)) await pc.addIceCandidate(candidate);
      if (body.description.type === 'offer') {
        await pc.setLocalDescription();
        send({ description: pc.localDescription });
      }
    } else if (body.candidate) {
      if (pc.remoteDescription) await pc.addIceCandidate(body.candidate);
      else waiting.push(body.candidate);
    }
  };
  const arrived: RTCDataChannel[] = [];
  const wanted: { label: string; give: (channel: RTCDataChannel) => void }[] = [];
  pc.ondatachannel = ({ channel }) => {
    const index = wanted.findIndex(({ label }) => label === channel.label);
    if (index >= 0) wanted.splice(index, 1)[0]!.give(channel);
    else arrived.push(channel);
  };
  window.channelNamed = (label) =>
    new Promise((give) => {
      const index = arrived.findIndex((channel) => channel.label === label);
      if (index >= 0) give(arrived.splice(index, 1)[0]!);
      else wanted.push({ label, give });
    });
  window.channelOpened = (channel) =>
    new Promise((done, fail) => {
      if (channel.readyState === 'open') done();
      channel.addEventListener('open', () => done());
      channel.addEventListener('close', () => fail(new Error(`${channel.label} closed`)));
    });
  window.channelClosed = (channel) =>
    new Promise((done) => {
      if (channel.readyState === 'closed') done();
      channel.addEventListener('close', () => done());
    });
  window.roundTrip = (channel, data) =>
    new Promise((done, fail) => {
      channel.binaryType = 'arraybuffer';
      const timer = setTimeout(() => fail(new Error(`no echo on ${channel.label}`)), 20_000);
      channel.addEventListener(
        'message',
        ({ data: back }: MessageEvent<string | ArrayBuffer>) => {
          clearTimeout(timer);
          done(back);
        },
        { once: true },
      );
      channel.send(data as string);
    });
}

export type Offerer = 'the browser' | 'linnet';

export interface Beside {
  offerer: Offerer;
  /** Of `linnet echo`. */
  options: string[];
  /** Of the page's connection. */
  configuration?: RTCConfiguration;
  /** The program is ended instead: some browsers close their stream to a TURN server before the goodbye to the peer is out. */
  mayVanish?: boolean;
  /** What the page says, on its way to the program; nothing: it is lost. */
  translate?: (line: string) => string | undefined;
}

/** No test beside a page takes longer (node ends the shortest after 60 s, without a word); what it waited for is told then, while both ends are still there. */
const longest = 50_000;

/** What both ends know of a connection that did not come as far as it should. */
async function stateOf(page: Page, echo: Program): Promise<string> {
  const connection = await page.evaluate(async () => {
    const { pc } = window;
    const pairs = [...(await pc.getStats()).values()].filter(({ type }: { type: string }) => type.endsWith('candidate') || type === 'candidate-pair');
    return { connection: pc.connectionState, ice: pc.iceConnectionState, signaling: pc.signalingState, unheard: window.outbox.length, pairs };
  });
  return `the page: ${JSON.stringify(connection)}\nlinnet said:\n${echo.lines.join('\n')}\nand of itself:\n${echo.errors.join('\n')}`;
}

/** `linnet echo` beside a page, for as long as `use` runs; then the page closes the connection, on which the program has to end
 * with 0. */
export async function besidePage<T>(page: Page, { offerer, options, configuration = {}, mayVanish = false, translate = (line) => line }: Beside, use: (page: Page, echo: Program) => Promise<T>): Promise<T> {
  await page.evaluate(setUpPage, configuration);
  const echo = new Program(['echo', '--signal', 'stdio', ...options, ...(offerer === 'linnet' ? ['--offer'] : [])]);
  let over = false;
  let fail!: (error: unknown) => void;
  const failed = new Promise<never>((_, reject) => (fail = reject));
  const failUnlessOver = (error: unknown): void => {
    // The last candidates may come when the page has closed, which then never answers (W3C: a closed connection settles no promise).
    if (!over) fail(error);
  };
  const timer = setTimeout(() => {
    const unknown = new Promise<string>((give) => setTimeout(() => give('the page does not answer'), 5_000).unref());
    void Promise.race([stateOf(page, echo), unknown])
      .catch(String)
      .then((state) => fail(new Error(`not done after ${longest / 1000} s\n${state}`)));
  }, longest);
  const converse = async (): Promise<T> => {
    let delivering: Promise<unknown> = Promise.resolve();
    echo.onLine = (line) => {
      delivering = delivering.then(() => page.evaluate((text) => window.inbox(text), line)).catch(failUnlessOver);
    };
    const pumping = (async () => {
      while (!over) {
        for (const line of await page.evaluate(() => window.outbox.splice(0))) {
          const said = translate(line);
          if (said !== undefined) echo.write(said);
        }
        await new Promise((wake) => setTimeout(wake, 20));
      }
    })().catch(failUnlessOver);
    await page.evaluate(async (offers) => {
      const channel = offers ? window.pc.createDataChannel('echo') : await window.channelNamed('echo');
      await window.channelOpened(channel);
      window.echo = channel;
    }, offerer === 'the browser');
    const result = await use(page, echo);
    over = true;
    await pumping;
    await page.evaluate(() => window.pc.close());
    if (mayVanish) await echo.stop();
    else assert.equal(await echo.exited, 0, echo.errors.join('\n'));
    return result;
  };
  try {
    return await Promise.race([converse(), failed]);
  } finally {
    over = true;
    clearTimeout(timer);
    await echo.stop('SIGKILL');
  }
}

/** The same in a browser of its own. */
export async function beside<T>({ name, args = [], ...more }: Beside & { name: BrowserName; args?: string[] }, use: (page: Page, echo: Program) => Promise<T>): Promise<T> {
  const { url } = await serve();
  const opened = await open(name, { chromium: args });
  try {
    const page = await opened.context.newPage();
    await page.goto(url);
    return await besidePage(page, more, use);
  } finally {
    await opened.close();
    await stopPrograms();
  }
}

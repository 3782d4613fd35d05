// Builds the page into dist/ (and with --tests the unit tests into dist-test/). Nothing is fetched at run time.
import { build } from 'esbuild';
import { cp, mkdir, readdir, rm } from 'node:fs/promises';

const tests = process.argv.includes('--tests');

if (tests) {
  await rm('dist-test', { recursive: true, force: true });
  const files = (await readdir('test')).filter((name) => name.endsWith('.test.ts'));
  await build({
    entryPoints: files.map((name) => `test/${name}`),
    outdir: 'dist-test',
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node18',
    sourcemap: 'inline',
    logLevel: 'warning',
  });
} else {
  await rm('dist', { recursive: true, force: true });
  await mkdir('dist/assets', { recursive: true });
  await cp('public', 'dist', { recursive: true });
  await build({
    entryPoints: { app: 'src/app/main.tsx', sdk: 'src/sdk/index.ts' },
    outdir: 'dist/assets',
    bundle: true,
    format: 'esm',
    target: ['chrome110', 'firefox115', 'safari16'],
    minify: true,
    sourcemap: true,
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
  });
}

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, describe, it } from 'node:test';
import { startFeedServer } from '../../../local/feeds/feed-server.ts';
import { feedsOfFolder } from '../../../local/feeds/folder-configuration.ts';
import { parseFeedConfiguration } from '../../../shared/pipeline/feeds/configuration/feed-configuration.ts';

const ORIGIN = 'http://127.0.0.1:8080';

const made: string[] = [];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'feed-folder-'));
  made.push(folder);
});
after(() => Promise.all(made.map((path) => rm(path, { recursive: true }))));

async function withFiles(...files: readonly string[]): Promise<void> {
  for (const file of files) {
    await mkdir(join(folder, file, '..'), { recursive: true });
    await writeFile(join(folder, file), file);
  }
}

const names = async () => (await feedsOfFolder(folder, ORIGIN)).map(({ name }) => name);

describe('the feeds of a folder', () => {
  it('are its files, by name, and the folders with a manifest', async () => {
    await withFiles('b.txt', 'a.csv.gz', 'misp/manifest.json', 'misp/x.json', 'other/list.txt');
    assert.deepEqual(await feedsOfFolder(folder, ORIGIN), [
      { name: 'a.csv.gz', address: `${ORIGIN}/a.csv.gz`, format: 'auto', allowPrivate: true },
      { name: 'b.txt', address: `${ORIGIN}/b.txt`, format: 'auto', allowPrivate: true },
      { name: 'misp', address: `${ORIGIN}/misp/`, format: 'misp-feed', allowPrivate: true },
    ]);
  });

  it('are one if the folder is itself that of a MISP feed', async () => {
    await withFiles('manifest.json', 'x.json', 'sub/manifest.json');
    assert.deepEqual(await feedsOfFolder(folder, ORIGIN), [
      { name: 'misp-feed', address: `${ORIGIN}/`, format: 'misp-feed', allowPrivate: true },
    ]);
  });

  it('are none of an empty folder, and none of hidden files', async () => {
    assert.deepEqual(await names(), []);
    await withFiles('.hidden', '.git/manifest.json');
    assert.deepEqual(await names(), []);
  });

  it('may be links to files', async () => {
    await withFiles('.list');
    await symlink('.list', join(folder, 'link.txt'));
    assert.deepEqual(await names(), ['link.txt']);
  });

  it('fail if the folder is not there', async () => {
    await assert.rejects(feedsOfFolder(join(folder, 'none'), ORIGIN), { code: 'ENOENT' });
  });
});

describe('the name of a feed', () => {
  for (const [file, name] of [
    ['feodo ipblocklist (1).csv', 'feodo-ipblocklist-1-.csv'],
    ['(a)', 'a'],
    ['ä.txt', 'txt'],
    ['___', 'feed'],
    ['日本', 'feed'],
    ['a\nb.txt', 'a-b.txt'],
    ['%2e%2e', '2e-2e'],
    ['x'.repeat(200), 'x'.repeat(60)],
    [`${'x'.repeat(59)}..txt`, 'x'.repeat(59)],
    ['constructor', 'constructor'],
  ] as const) {
    it(`${JSON.stringify(file.slice(0, 30))} is ${name.slice(0, 30)}`, async () => {
      await withFiles(file);
      assert.deepEqual(await names(), [name]);
    });
  }

  it('is its own, without regard to case', async () => {
    await withFiles('A.txt', 'a.txt', 'a?txt', 'a.txt-2', 'a*txt');
    const found = await names();
    assert.deepEqual(found, ['A.txt', 'a-txt', 'a.txt-2', 'a.txt-2-2', 'a-txt-2']);
    assert.equal(new Set(found.map((name) => name.toLowerCase())).size, found.length);
  });
});

describe('odd files of a folder', () => {
  const odd = [
    'a b.txt',
    'a#b?c&d=e.txt',
    'a%2fb.txt',
    '%2e%2e',
    'ä 日本.txt',
    'c:d.txt',
    'http:',
    '\\x.txt',
    'q\'"`.txt',
    'line\nend',
    '~',
    'x'.repeat(200),
    'misp #1/manifest.json',
  ];

  it('make a configuration that can be read, with addresses at which they are', async () => {
    await withFiles(...odd);
    const server = await startFeedServer(() => folder);
    try {
      const feeds = await feedsOfFolder(folder, server.origin);
      assert.equal(parseFeedConfiguration({ version: 1, feeds }).feeds.length, odd.length);
      const bodies: string[] = [];
      for (const { address, format } of feeds) {
        const file = format === 'misp-feed' ? new URL('manifest.json', address) : address;
        const response = await fetch(file);
        assert.equal(response.status, 200, address);
        bodies.push(await response.text());
      }
      assert.deepEqual(bodies.sort(), odd.toSorted());
    } finally {
      await server.stop();
    }
  });
});

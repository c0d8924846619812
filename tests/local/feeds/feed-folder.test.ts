import assert from 'node:assert/strict';
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { readFeedFolder } from '../../../local/feeds/feed-folder.ts';
import { printable } from '../../../local/feeds/printable.ts';
import { formatPrefix } from '../../../shared/domain/address/prefix.ts';

let dir: string;
before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'feed-folder-'));
});
after(() => rm(dir, { recursive: true }));

describe('a folder of feeds', () => {
  it('gives the indicators of each feed, as often as they are asked for', async () => {
    await writeFile(join(dir, 'b.txt'), '45.66.64.2\n45.66.64.1\n45.66.64.0/24\n');
    await writeFile(join(dir, 'a.txt'), '45.66.64.9-45.66.64.10\n45.66.64.1:80\n2a06:e480::1\n');
    await writeFile(join(dir, 'c.txt'), '# nothing today\n');
    await writeFile(join(dir, 'd.json'), '{}');
    await symlink('nowhere', join(dir, 'e.txt'));
    await symlink('.', join(dir, 'f.txt'));
    const skippedOnTheWay: string[] = [];
    const { feeds, skipped } = await readFeedFolder(dir, {
      at: 0,
      onSkipped: ({ file }) => skippedOnTheWay.push(file),
    });
    const nets = () =>
      feeds.map(({ name, indicators }) => [
        name,
        [...indicators].map(({ prefix }) => formatPrefix(prefix)).sort(),
      ]);
    const expected = [
      ['a.txt', ['2a06:e480::1/128', '45.66.64.1/32', '45.66.64.10/32', '45.66.64.9/32']],
      ['b.txt', ['45.66.64.0/24', '45.66.64.1/32', '45.66.64.2/32']],
      ['c.txt', []],
    ];
    assert.deepEqual(nets(), expected);
    assert.deepEqual(nets(), expected);
    assert.equal(feeds[0]?.summary.constrained, 1);
    assert.deepEqual(
      skipped.map(({ file }) => file),
      ['d.json', 'e.txt', 'f.txt'],
    );
    assert.deepEqual(skippedOnTheWay, ['d.json', 'e.txt', 'f.txt']);
  });

  it('fails if it is not there', () =>
    assert.rejects(readFeedFolder(join(dir, 'none'), { at: 0 }), { code: 'ENOENT' }));
});

describe('text for a terminal', () => {
  it('cannot steer it', () => {
    assert.equal(printable('a\u001b[2Jb\u009bc\n'), 'a\\x1b[2Jb\\x9bc\\x0a');
    assert.equal(printable('Köln 45.66.64.1'), 'Köln 45.66.64.1');
  });
});

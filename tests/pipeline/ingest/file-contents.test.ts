import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  NO_REMOTES,
  encodeRemoteAddresses,
} from '../../../shared/format/activity-log/remote-addresses.ts';
import { FileContents } from '../../../shared/pipeline/ingest/file-contents.ts';
import { headerFor, testRow } from '../../format/activity-log/blocks.ts';

const FILE = '20260822T12-000000.log';
const remotes = (...ipv4: number[]) =>
  encodeRemoteAddresses({ ipv4: Uint32Array.from(ipv4), ipv6: new Uint32Array(0) });
const header = (from: number, hubTime: number, ordinal: number) =>
  headerFor([testRow({ hubTime }), testRow({ hubTime: hubTime + 5 })], {
    fromSequence: from,
    snapshot: { ordinal, id: `snapshot-${ordinal}` },
  });

describe('the contents of a file', () => {
  it('are those of its blocks together', () => {
    const contents = new FileContents(FILE);
    contents.add(header(10, 2000, 3), remotes(5, 7));
    contents.add(header(12, 1000, 4), remotes(1, 7));
    assert.deepEqual(contents.closing(FILE, 2), {
      summary: {
        first: { epoch: 0, sequence: 10 },
        last: { epoch: 0, sequence: 13 },
        firstHubTime: 1000,
        lastHubTime: 2005,
        lastSnapshot: 4,
      },
      remotes: { ipv4: Uint32Array.of(1, 5, 7), ipv6: new Uint32Array(0) },
    });
  });

  it('are the addresses of every block, in whatever order and size they come', () => {
    const block = fc.uniqueArray(fc.nat(300), { maxLength: 60 });
    fc.assert(
      fc.property(fc.array(block, { minLength: 1, maxLength: 30 }), (blocks) => {
        const contents = new FileContents(FILE);
        for (const addresses of blocks) {
          contents.add(header(0, 0, 1), remotes(...addresses.sort((a, b) => a - b)));
        }
        const all = [...new Set(blocks.flat())].sort((a, b) => a - b);
        assert.deepEqual([...contents.closing(FILE, blocks.length).remotes.ipv4], all);
      }),
    );
  });

  it('are unknown to whoever did not write every block of it', () => {
    const contents = new FileContents(FILE);
    contents.add(header(10, 2000, 3), remotes(5));
    const unknown = { summary: null, remotes: NO_REMOTES };
    assert.deepEqual(contents.closing(FILE, 2), unknown);
    assert.deepEqual(contents.closing('20260822T13-000000.log', 1), unknown);
    assert.deepEqual(new FileContents(null).closing(FILE, 0), unknown);
  });

  it('are not told when a file names too many addresses', () => {
    const many = Uint32Array.from({ length: 65_536 }, (_, i) => i * 2);
    const contents = new FileContents(FILE);
    contents.add(header(0, 0, 1), encodeRemoteAddresses({ ...NO_REMOTES, ipv4: many }));
    assert.notEqual(contents.closing(FILE, 1).summary, null);
    contents.add(header(2, 0, 1), remotes(3));
    assert.deepEqual(contents.closing(FILE, 2), { summary: null, remotes: NO_REMOTES });
  });
});

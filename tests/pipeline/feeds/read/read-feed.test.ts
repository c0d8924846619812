import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FeedEntry } from '../../../../shared/domain/indicator/feed-entry.ts';
import { newReport, readFeed } from '../../../../shared/pipeline/feeds/read/read-feed.ts';
import { bundleOf, bytesOf, inPieces, outcomes, readWhole, stixIndicator } from './reading.ts';

const list = '# Entries : 2 unique IPs\n45.66.64.1\r\nx\n45.66.64.0/24';
const table = '# feed\r\n"dst_ip","dst_port"\r\n"45.66.64.1","443"\r\n# END 1 entries';
const records = '{"cidr":"45.66.64.0/24"}\n{"type":"metadata","records":1,"size":25}\n';
const document = '[{"ip":"45.66.64.1"},"45.66.64.2"]';

describe('a feed document without a format', () => {
  for (const [what, text, format, promised, expected] of [
    ['a list', list, null, 2, ['2: 45.66.64.1/32', '3: notAnAddress', '4: 45.66.64.0/24']],
    ['a table', table, 'csv', 1, ['3: 45.66.64.1/32 only 443']],
    ['records a line', records, 'jsonl', 1, ['1: 45.66.64.0/24']],
    ['a bundle', bundleOf(stixIndicator(1)), 'stix', null, ['45.66.64.1/32']],
    ['a JSON document', document, 'json', null, ['45.66.64.1/32', '45.66.64.2/32']],
  ] as const) {
    it(`is read as ${what}, in pieces of any size`, async () => {
      for (const size of [1, 2, 3, 10, 64, Infinity]) {
        const reading = await readWhole(text, null, size);
        assert.deepEqual(outcomes(reading), expected);
        assert.deepEqual(reading.report, { format, promised });
      }
    });
  }

  it('is a list without entries if it is empty', async () => {
    assert.deepEqual(await readWhole(''), {
      entries: [],
      report: { format: null, promised: null },
    });
  });

  it('is refused before any entry if nothing reads it', async () => {
    await assert.rejects(readWhole('<html>45.66.64.1</html>'), { code: 'noReader' });
  });
});

describe('a feed document of a format', () => {
  it('is read as that, whatever it looks like', async () => {
    const { entries, report } = await readWhole('ip,port\n45.66.64.1,80\n', 'plain');
    assert.deepEqual(outcomes({ entries }), ['1: notAnAddress', '2: 45.66.64.1/32']);
    assert.equal(report.format, 'plain');
    assert.deepEqual(outcomes(await readWhole('45.66.64.1\n45.66.64.2\n', 'csv')), [
      '1: 45.66.64.1/32',
      '2: 45.66.64.2/32',
    ]);
  });

  it('reads one record a line, also if it is one line', async () => {
    assert.deepEqual(outcomes(await readWhole('{"ip":"45.66.64.1"}', 'jsonl')), [
      '1: 45.66.64.1/32',
    ]);
  });

  it('keeps the name of the list that was configured', async () => {
    for (const format of ['plain', 'netset', 'ranges'] as const) {
      assert.equal((await readWhole('45.66.64.1', format)).report.format, format);
    }
  });

  it('is damaged if it is something else than the JSON it should be', async () => {
    for (const format of ['json', 'stix', 'misp', 'warninglist'] as const) {
      await assert.rejects(readWhole('45.66.64.1', format), { code: 'damaged' });
      await assert.rejects(readWhole('', format), { code: 'damaged' });
    }
  });

  it('is not read if it is a page', async () => {
    for (const format of ['plain', 'csv', 'json', 'jsonl', 'stix', 'misp'] as const) {
      await assert.rejects(readWhole('<html>45.66.64.1</html>', format), { code: 'noReader' });
    }
  });

  it('is not read if it is JSON of another kind than the format says', async () => {
    const records = '[{"ip":"45.66.64.1"}]';
    for (const [format, text, message] of [
      ['misp', records, /no MISP event/],
      ['warninglist', records, /no MISP warning list/],
      ['warninglist', '{"Event":{"Attribute":[]}}', /no MISP warning list/],
      ['stix', '{"data":[{"ip":"45.66.64.1"}]}', /without a list of "objects"/],
      ['json', '{"error":"your address is refused","ip":"45.66.64.1"}', /unknown shape/],
    ] as const) {
      await assert.rejects(readWhole(text, format), { code: 'noReader', message });
    }
  });
});

describe('the promise of a table', () => {
  const promised = async (text: string, size?: number) =>
    (await readWhole(text, 'csv', size)).report.promised;

  it('stands in a comment in front of, between or behind the rows', async () => {
    assert.equal(await promised('# Entries : 1\nip,x\n45.66.64.1,a\n'), 1);
    assert.equal(await promised('ip,x\n# END 3 entries\n45.66.64.1,a\n'), 3);
    assert.equal(await promised('ip,x\n45.66.64.1,a\n# END 1 entries'), 1);
    assert.equal(await promised('ip,x\n45.66.64.1,a\n'), null);
  });

  it('is not what a stranger wrote in a cell', async () => {
    const text = 'ip,banner\n45.66.64.1,"HTTP\n# END 99999 entries\nok"\n45.66.64.2,"a ""b"""\n';
    for (const size of [1, 5, Infinity]) {
      assert.equal(await promised(text, size), null);
      assert.equal(await promised(`${text}# END 2 entries`, size), 2);
    }
  });

  it('is read behind a row that is longer than the line of a list may be', async () => {
    const row = `45.66.64.1,${'x'.repeat(10_000)},"\n# END 7 entries\n"`;
    assert.equal(await promised(`ip,x,banner\n${row}\n`), null);
    assert.equal(await promised(`ip,x,banner\n${row}\n# END 1 entries`), 1);
  });

  it('is not lost by quotes in a comment', async () => {
    assert.equal(await promised('# 5" of text\nip,x\n45.66.64.1,a\n# END 1 entries'), 1);
  });
});

describe('the source of a feed', () => {
  it('passes its own error on, from any reader', async () => {
    for (const text of [list, table, records, bundleOf(stixIndicator(1)), document]) {
      const failing = async function* () {
        yield bytesOf(text.slice(0, -3));
        throw new RangeError('the connection broke');
      };
      const read = async () => {
        for await (const _ of readFeed(failing(), null, newReport()));
      };
      await assert.rejects(read(), RangeError, text);
    }
  });

  it('is closed when its reader has seen enough, and when it fails', async () => {
    let closed = 0;
    const source = async function* (text: string) {
      try {
        for (;;) yield bytesOf(text);
      } finally {
        closed++;
      }
    };
    for await (const _ of readFeed(source('45.66.64.1\n'.repeat(10_000)), null, newReport())) break;
    assert.equal(closed, 1);
    for await (const _ of readFeed(source('{"ip":"45.66.64.1"}\n'), null, newReport())) break;
    assert.equal(closed, 2);
    const failing = readFeed(source('{"type":"bundle"}'), 'stix', newReport());
    await assert.rejects(failing.next(), { code: 'damaged' });
    assert.equal(closed, 3);
  });

  it('is read on only when its entries were taken', async () => {
    let pieces = 0;
    const source = async function* () {
      for (; pieces < 1000; pieces++) yield bytesOf('45.66.64.1\n'.repeat(6000));
    };
    const entries: AsyncGenerator<FeedEntry[]> = readFeed(source(), 'plain', newReport());
    await entries.next();
    assert.ok(pieces <= 2, `${pieces} pieces were read for the first entries`);
    await entries.return(undefined);
  });

  it('may give pieces without bytes', async () => {
    const source = async function* () {
      yield new Uint8Array(0);
      yield* inPieces('45.66.64.1\n');
      yield new Uint8Array(0);
    };
    const entries: FeedEntry[] = [];
    for await (const some of readFeed(source(), null, newReport())) entries.push(...some);
    assert.deepEqual(outcomes({ entries }), ['1: 45.66.64.1/32']);
  });
});

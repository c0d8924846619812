import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { FeedEntry } from '../../../../shared/domain/indicator/feed-entry.ts';
import type { DocumentFormat } from '../../../../shared/pipeline/feeds/read/feed-format.ts';
import { newReport } from '../../../../shared/pipeline/feeds/read/read-feed.ts';
import {
  readJsonDocument,
  readJsonLines,
  readStix,
} from '../../../../shared/pipeline/feeds/read/read-json.ts';
import {
  bundleOf,
  bytesOf,
  type Document,
  inPieces,
  outcomes,
  type Reading,
  readWhole,
  stixIndicator,
} from './reading.ts';

const read = async (document: Document, format: DocumentFormat | null = null) =>
  outcomes(await readWhole(document, format));

const NO_FRONT = new Uint8Array(0);
const stix: typeof readJsonLines = (chunks, report) => readStix(chunks, report, NO_FRONT);

/** Small pieces reach the reader itself: `readFeed` gathers the front of a document first. */
async function piecewise(
  reader: typeof readJsonLines,
  document: Document,
  size: number,
): Promise<Reading> {
  const report = newReport();
  const entries: FeedEntry[] = [];
  for await (const some of reader(inPieces(document, size), report)) entries.push(...some);
  return { entries, report };
}

const later = { modified: '2026-08-05T00:00:00Z' };

describe('a bundle of STIX', () => {
  const bundle = bundleOf(
    {
      type: 'identity',
      id: 'identity--1',
      name: 'Köln \u{1f47e} "x"',
      extra: { a: [1, -2.5e3, null] },
    },
    stixIndicator(1, { name: 'Übung', confidence: 85 }),
    stixIndicator(2, {
      labels: ['Köln', '\u{1f47e}'],
      pattern: "[ipv4-addr:value = '45.66.64.2' OR domain-name:value = 'x.example']",
    }),
    stixIndicator(3, { pattern: 'ipv4-addr' }),
    stixIndicator(1, { ...later, revoked: true }),
  );
  const expected = ['superseded', '45.66.64.2/32', 'domain', 'badPattern', '45.66.64.1/32 revoked'];

  it('gives its indicators, the newest version of each', async () => {
    assert.deepEqual(await read(bundle), expected);
  });

  it('is the same in pieces of any size, down to single bytes', async () => {
    const whole = await readWhole(bundle);
    for (const size of [1, 2, 3, 5, 100, 1000]) {
      assert.deepEqual(await piecewise(stix, bundle, size), whole);
    }
  });

  it('is the same whatever the order of its members', async () => {
    const { objects, ...rest } = JSON.parse(bundle) as { objects: unknown[] };
    assert.deepEqual(await read(JSON.stringify({ objects, ...rest })), expected);
    assert.deepEqual(await read(JSON.stringify({ ...rest, objects }, null, 2)), expected);
  });

  it('may be an envelope of TAXII', async () => {
    const envelope = { more: true, next: 'x', objects: [stixIndicator(1)] };
    assert.deepEqual(await read(JSON.stringify(envelope)), ['45.66.64.1/32']);
  });

  it('may begin with a byte order mark and end with blanks', async () => {
    assert.deepEqual(await read(`\ufeff${bundle}\r\n \n`), expected);
  });

  it('may have no objects', async () => {
    assert.deepEqual(await read(bundleOf()), []);
    assert.deepEqual(await read('{"type":"bundle","id":"bundle--1"}'), []);
  });

  it('may hold what is no object, or objects that it does not describe', async () => {
    const odd = bundleOf(null, 5, 'x', [stixIndicator(2)], { objects: [stixIndicator(3)] }, {});
    assert.deepEqual(await read(odd), Array(6).fill('malformed'));
    const nested = JSON.stringify({
      type: 'bundle',
      x: { objects: [stixIndicator(2)] },
      objects: [stixIndicator(1)],
    });
    assert.deepEqual(await read(nested), ['45.66.64.1/32']);
  });

  it('takes the names of members for data', async () => {
    const pattern = "[ipv4-addr:value = '45.66.64.9']";
    const lent = `{"__proto__":${JSON.stringify({ type: 'indicator', pattern })}}`;
    const odd = '{"type":"x","constructor":1,"toString":{"__proto__":null}}';
    const text = `{"type":"bundle","objects":[${lent},${odd},${JSON.stringify(stixIndicator(1))}]}`;
    assert.deepEqual(await read(text), ['malformed', '45.66.64.1/32']);
    assert.equal(Object.hasOwn(Object.prototype, 'pattern'), false);
  });

  it('may nest deeply in what is not looked at', async () => {
    const deep = `${'['.repeat(20_000)}${']'.repeat(20_000)}`;
    const text = `{"type":"bundle","x":${deep},"objects":[${JSON.stringify(stixIndicator(1))}]}`;
    assert.deepEqual(await read(text), ['45.66.64.1/32']);
  });

  it('spoils with a byte that is not UTF-8 its own text only', async () => {
    const spoilt = bundleOf(
      stixIndicator(1, { name: 'caf\xe9' }),
      stixIndicator(2, { pattern: "[ipv4-addr:value = '45.66.64.2\xff']" }),
    );
    for (const size of [1, Infinity]) {
      const document = Buffer.from(spoilt, 'latin1');
      const { entries } = await piecewise(stix, document, size);
      assert.deepEqual(outcomes({ entries }), ['45.66.64.1/32', 'notAnAddress']);
    }
  });

  it('cut at any byte is damaged, and gives nothing', async () => {
    const bytes = bytesOf(bundle);
    for (let length = 0; length < bytes.length; length++) {
      const cut = bytes.subarray(0, length);
      const entries: FeedEntry[] = [];
      const reading = async () => {
        for await (const some of stix(inPieces(cut), newReport())) entries.push(...some);
      };
      await assert.rejects(reading, { code: 'damaged' }, `cut at ${length}`);
      assert.deepEqual(entries, []);
    }
  });

  it('cut anywhere is damaged also where its content decides what it is', async () => {
    const bytes = bytesOf(bundle);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: bytes.length - 1 }), async (length) => {
        await assert.rejects(readWhole(bytes.subarray(0, length)), { code: 'damaged' });
      }),
    );
  });

  for (const [what, text] of [
    ['text behind its end', `${bundle}x`],
    ['a second bundle behind it', `${bundle}\n${bundle}`],
    ['a comma too many', bundle.replace('"objects":[', '"objects":[,')],
    ['a comma too few', bundle.replace('},{', '}{')],
    ['a bracket of the other kind', bundle.replace(/\]\}$/, '}]')],
    ['a control character in a text', bundle.replace('Übung', '\u0001')],
    ['a number with a zero in front', bundle.replace('85', '085')],
    ['a lone number', '5'],
  ] as const) {
    it(`with ${what} is damaged`, async () => {
      await assert.rejects(readWhole(text, 'stix'), {
        code: 'damaged',
        message: /the JSON breaks/,
      });
    });
  }

  it('comes in parts, so that no consumer needs all at once', async () => {
    const objects = Array.from({ length: 2500 }, (_, i) =>
      stixIndicator(i % 250, { id: `indicator--${i}` }),
    );
    const sizes: number[] = [];
    for await (const some of stix(inPieces(bundleOf(...objects)), newReport()))
      sizes.push(some.length);
    assert.deepEqual(sizes, [1000, 1000, 500]);
  });
});

describe('JSON lines', () => {
  it('are one record each; a line that does not read is refused, and the others count', async () => {
    const text =
      '{"ip":"45.66.64.1"}\n{"ip":"45.66.64.2"\n\n  \r\n{"ip":"45.66.64.3","port":80}\r\n{"x":1}';
    assert.deepEqual(await read(text, 'jsonl'), [
      '1: 45.66.64.1/32',
      '2: malformed',
      '5: 45.66.64.3/32 only 80',
      '6: malformed',
    ]);
  });

  it('may hold anything that is JSON', async () => {
    const text = '"45.66.64.1"\nnull\n5\ntrue\n[]\n{}\n{"__proto__":{"ip":"45.66.64.2"}}\n';
    const outcome = await read(text, 'jsonl');
    assert.equal(outcome[0], '1: 45.66.64.1/32');
    assert.deepEqual(
      outcome.slice(1),
      [2, 3, 4, 5, 6, 7].map((line) => `${line}: malformed`),
    );
  });

  it('are the same in pieces of any size, also with a byte order mark', async () => {
    const text = '\ufeff{"ip":"45.66.64.1","tags":"caf\u00e9"}\r\n{bad\r\n{"ip":"45.66.64.2"}';
    const whole = await readWhole(text, 'jsonl');
    assert.deepEqual(outcomes(whole), ['1: 45.66.64.1/32', '2: malformed', '3: 45.66.64.2/32']);
    for (const size of [1, 2, 3, 7])
      assert.deepEqual(await piecewise(readJsonLines, text, size), whole);
  });

  it('tell in their metadata how many there are', async () => {
    const text =
      '{"cidr":"45.66.64.0/24","sblid":"SBL1"}\n{"type":"metadata","records":1406,"size":5}\n';
    const { entries, report } = await readWhole(text);
    assert.deepEqual(outcomes({ entries }), ['1: 45.66.64.0/24']);
    assert.deepEqual(report, { format: 'jsonl', promised: 1406 });
  });

  it('without metadata, or with metadata that does not say, promise nothing', async () => {
    for (const last of ['', '{"type":"metadata"}', '{"type":"metadata","records":-1}']) {
      const { report } = await readWhole(`{"cidr":"45.66.64.0/24"}\n${last}\n`, 'jsonl');
      assert.equal(report.promised, null);
    }
  });

  it('cut short have a last line that is refused, and no metadata', async () => {
    const text =
      '{"cidr":"45.66.64.0/24"}\n{"cidr":"45.66.65.0/24"}\n{"type":"metadata","records":2}\n';
    const { entries, report } = await readWhole(text.slice(0, 40));
    assert.deepEqual(outcomes({ entries }), ['1: 45.66.64.0/24', '2: malformed']);
    assert.equal(report.promised, null);
  });

  it('may be as long as the cap and no longer, and the next one is read', async () => {
    const line = (length: number) => {
      const text = '{"ip":"45.66.64.1","x":""}';
      return text.replace('""', `"${'x'.repeat(length - text.length)}"`);
    };
    const cap = 256 * 1024;
    const next = '\n{"ip":"45.66.64.2"}\n';
    assert.deepEqual(await read(line(cap) + next, 'jsonl'), [
      '1: 45.66.64.1/32',
      '2: 45.66.64.2/32',
    ]);
    const { entries } = await readWhole(line(cap + 1) + next, 'jsonl', 10_000);
    assert.deepEqual(outcomes({ entries }), ['1: tooLong', '2: 45.66.64.2/32']);
    assert.ok(entries[0]?.kind === 'refused' && entries[0].text.length <= 80);
  });

  it('show what was refused as printable text', async () => {
    const { entries } = await readWhole('{"a":1}\n{\u001b[31m\u009b bad é\n{"b":2}', 'jsonl');
    const texts = entries.map((entry) => (entry.kind === 'refused' ? entry.text : ''));
    assert.ok(texts.every((text) => /^[\x20-\x7e]{0,80}$/.test(text)));
  });

  it('of STIX give the newest version of each object', async () => {
    const objects = [
      stixIndicator(1),
      stixIndicator(2),
      stixIndicator(1, { ...later, revoked: true }),
    ];
    const text = objects.map((object) => JSON.stringify(object)).join('\n');
    assert.deepEqual(await read(text), ['superseded', '45.66.64.2/32', '45.66.64.1/32 revoked']);
  });

  it('spoil with a byte that is not UTF-8 their own text only', async () => {
    const text = Buffer.from(
      '{"ip":"45.66.64.1\xff"}\n{"ip":"45.66.64.2","tags":"\xe9"}\n',
      'latin1',
    );
    assert.deepEqual(await read(text, 'jsonl'), ['1: encoding', '2: 45.66.64.2/32']);
  });

  it('are out line by line, not when all have come', async () => {
    let pieces = 0;
    const source = async function* () {
      for (; pieces < 10; pieces++) yield bytesOf('{"ip":"45.66.64.1"}\n');
    };
    const entries = readJsonLines(source(), newReport());
    await entries.next();
    assert.equal(pieces, 0);
    await entries.return(undefined);
  });
});

describe('a JSON document', () => {
  const uuid = '5f3e1a2b-0000-4000-8000-00000000000';
  const attribute = (n: number, to_ids: boolean) => ({
    uuid: `${uuid}${n}`,
    type: 'ip-dst',
    category: 'Network activity',
    value: `45.66.64.${n}`,
    to_ids,
  });
  const event = {
    Event: { uuid: `${uuid}0`, Attribute: [attribute(1, true), attribute(2, false)] },
  };
  const warningList = {
    name: 'a list',
    type: 'cidr',
    version: 1,
    list: ['10.0.0.0/8', '45.66.64.1', 'x'],
  };

  for (const [what, document, format, expected] of [
    ['a MISP event', event, 'misp', ['45.66.64.1/32', '45.66.64.2/32 context']],
    [
      'an export of MISP events',
      { response: [event, {}, null] },
      'misp',
      ['45.66.64.1/32', '45.66.64.2/32 context', 'malformed', 'malformed'],
    ],
    ['a list of MISP events', [event], 'misp', ['45.66.64.1/32', '45.66.64.2/32 context']],
    ['an export without events', { response: [] }, 'misp', []],
    [
      'a warning list',
      warningList,
      'warninglist',
      ['10.0.0.0/8 context', '45.66.64.1/32 context', 'notAnAddress'],
    ],
    [
      'a MISP manifest, whose events stand elsewhere',
      { [`${uuid}0`]: { timestamp: '5' }, x: 1 },
      'misp-manifest',
      ['noAddress'],
    ],
    [
      'a list of texts',
      ['45.66.64.1', 'x.example.com', 5],
      'json',
      ['45.66.64.1/32', 'domain', 'malformed'],
    ],
    [
      'a list of records',
      [{ ip_address: '45.66.64.1', port: 443 }],
      'json',
      ['45.66.64.1/32 only 443'],
    ],
    ['records under a name', { count: 1, data: [{ ip: '45.66.64.1' }] }, 'json', ['45.66.64.1/32']],
    [
      'records by id, as ThreatFox has them',
      { 12: [{ ioc_value: '45.66.64.1:80', ioc_type: 'ip:port' }] },
      'json',
      ['45.66.64.1/32 only 80'],
    ],
    [
      'STIX objects in a list',
      [stixIndicator(1), stixIndicator(1, later), { ip: '45.66.64.9' }],
      'json',
      ['45.66.64.9/32', 'superseded', '45.66.64.1/32'],
    ],
    ['an empty list', [], 'json', []],
  ] as const) {
    it(`is ${what}`, async () => {
      const { entries, report } = await readWhole(JSON.stringify(document));
      assert.deepEqual(outcomes({ entries }), expected);
      assert.deepEqual(report, { format, promised: null });
    });
  }

  for (const [what, text, message] of [
    ['an empty object', '{}', /unknown shape/],
    ['an object of other members', '{"message":"no","code":5}', /members message, code/],
    ['a list of numbers', '[1,2]', /neither objects nor texts/],
    ['a lone number', '5', /without records/],
    ['null', 'null', /without records/],
    ['STIX 1', '{"id":"x","stix_header":{}}', /STIX 1/],
    ['a page without a list', '{"start":"45.66.64.1","end":"45.66.64.9"}', /unknown shape/],
    ['an error of a service', '{"error":{"status":401}}', /unknown shape/],
  ] as const) {
    it(`is not ${what}: nothing reads it`, async () => {
      await assert.rejects(readWhole(text, 'json'), { code: 'noReader', message });
    });
  }

  it('of an unknown shape is named by members that cannot steer a terminal', async () => {
    const text = JSON.stringify({ '\u001b[2J': 1, ['x'.repeat(500)]: 2 });
    await assert.rejects(readWhole(text), ({ message }: Error) =>
      /^[\x20-\x7e]{1,100}$/.test(message),
    );
  });

  it('of STIX is read as such also where JSON was said', async () => {
    const { entries, report } = await readWhole(
      bundleOf(stixIndicator(1), stixIndicator(1, later)),
      'json',
    );
    assert.deepEqual(outcomes({ entries }), ['superseded', '45.66.64.1/32']);
    assert.equal(report.format, 'stix');
  });

  it('may have 64 MiB and no more', async () => {
    const blank = Buffer.alloc(1024 * 1024, ' ');
    const document = async function* (megabytes: number) {
      for (let i = 0; i < megabytes; i++) yield blank;
      yield Buffer.from('[]');
    };
    await assert.rejects(readJsonDocument(document(64), newReport(), null).next(), {
      code: 'tooLarge',
      message: /more than 67108864 bytes/,
    });
    assert.equal((await readJsonDocument(document(63), newReport(), null).next()).done, true);
  });

  it('cut at any byte is damaged, and never shorter', async () => {
    for (const document of [event, warningList, ['45.66.64.1', '45.66.64.2']]) {
      const bytes = bytesOf(JSON.stringify(document));
      for (let length = 0; length < bytes.length; length++) {
        const cut = readJsonDocument(inPieces(bytes.subarray(0, length)), newReport(), null);
        await assert.rejects(cut.next(), { code: 'damaged' }, `cut at ${length}`);
      }
    }
  });

  it('is the same in pieces of any size, with a byte order mark too', async () => {
    const text = `\ufeff${JSON.stringify({ ...event, name: 'Köln' })}`;
    const whole = await readWhole(text);
    for (const size of [1, 3, 17])
      assert.deepEqual(
        await piecewise((chunks, report) => readJsonDocument(chunks, report, null), text, size),
        whole,
      );
  });

  it('spoils with a byte that is not UTF-8 its own text only', async () => {
    const text = Buffer.from('["45.66.64.1","45.66.64.2\xe9"]', 'latin1');
    assert.deepEqual(await read(text), ['45.66.64.1/32', 'encoding']);
  });

  it('may nest as deep as it is long', async () => {
    const depth = 200_000;
    const text = `${'['.repeat(depth)}${']'.repeat(depth)}`;
    await assert.rejects(readWhole(text, 'json'), { code: /noReader|damaged/ });
  });

  it('may have members with the names that objects of JavaScript have', async () => {
    const text = '[{"__proto__":{"ip":"45.66.64.9"},"constructor":1,"ip":"45.66.64.1"}]';
    assert.deepEqual(await read(text), ['45.66.64.1/32']);
  });

  it('comes in parts', async () => {
    const text = JSON.stringify(
      Array.from({ length: 2500 }, (_, i) => `45.66.${i >> 8}.${i & 255}`),
    );
    const sizes: number[] = [];
    for await (const some of readJsonDocument(inPieces(text), newReport(), null))
      sizes.push(some.length);
    assert.deepEqual(sizes, [1000, 1000, 500]);
  });
});

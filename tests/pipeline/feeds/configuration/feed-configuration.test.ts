import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { FEED_KINDS } from '../../../../shared/domain/indicator/feed-kind.ts';
import {
  ConfigurationError,
  type ConfiguredFeed,
  feedConfigurationSchema,
  kindOf,
  NO_FEEDS,
  parseFeedConfiguration,
  refreshEveryOf,
  timeToLiveOf,
} from '../../../../shared/pipeline/feeds/configuration/feed-configuration.ts';
import { FEED_FORMATS } from '../../../../shared/pipeline/feeds/read/feed-format.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const least = { name: 'a-feed', address: 'https://feeds.example.com/list.txt' };
const full = {
  ...least,
  enabled: false,
  format: 'csv',
  kind: 'scanner',
  confidence: 0,
  direction: 'source',
  tlp: 'amber+strict',
  acceptTlpRed: true,
  minimumConfidence: 50,
  refreshEvery: 'PT5M',
  timeToLive: 'P7D',
  credential: { type: 'basic', user: 'reader', setting: 'FeedCredential_a' },
  allowPrivate: true,
  maxBytes: 1000,
  licence: 'CC0',
  attribution: 'Example',
  terms: 'https://feeds.example.com/terms',
};

function file(...feeds: readonly object[]): object {
  return { version: 1, feeds };
}

function feedOf(changed: object = {}): ConfiguredFeed {
  return parseFeedConfiguration(file({ ...least, ...changed })).feeds[0]!;
}

function problemsOf(value: unknown): readonly string[] {
  try {
    parseFeedConfiguration(value);
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
  return [];
}

describe('the configuration of feeds', () => {
  it('fills in what a feed does not say', () => {
    assert.deepEqual(parseFeedConfiguration(file(least)), {
      version: 1,
      refreshEvery: HOUR,
      timeToLive: 14 * DAY,
      timeToLiveByKind: {},
      feeds: [
        {
          ...least,
          enabled: true,
          format: 'auto',
          confidence: null,
          tlp: null,
          acceptTlpRed: false,
          minimumConfidence: 0,
          allowPrivate: false,
          maxBytes: 1024 ** 3,
        },
      ],
    });
  });

  it('takes what it does say, with durations in milliseconds', () => {
    const value = {
      $schema: './feeds.schema.json',
      version: 1,
      refreshEvery: 'PT30M',
      timeToLive: 'P30D',
      timeToLiveByKind: { anonymizer: 'PT6H' },
      feeds: [full],
    };
    const feed = { ...full, refreshEvery: 5 * MINUTE, timeToLive: 7 * DAY };
    assert.deepEqual(parseFeedConfiguration(value), {
      ...value,
      refreshEvery: 30 * MINUTE,
      timeToLive: 30 * DAY,
      timeToLiveByKind: { anonymizer: 6 * HOUR },
      feeds: [feed],
    });
  });

  it('may have no feeds', () => {
    assert.deepEqual(NO_FEEDS.feeds, []);
    assert.deepEqual(parseFeedConfiguration(file()), NO_FEEDS);
  });

  it('takes every format and every kind', () => {
    for (const format of ['auto', ...FEED_FORMATS]) assert.equal(feedOf({ format }).format, format);
    for (const kind of FEED_KINDS) assert.equal(feedOf({ kind }).kind, kind);
  });

  it('takes each sort of credential', () => {
    const setting = 'FeedCredentialA';
    for (const credential of [
      { type: 'bearer', setting },
      { type: 'basic', user: 'u', setting },
      { type: 'header', header: 'Auth-Key', setting },
    ]) {
      assert.deepEqual(feedOf({ credential }).credential, credential);
    }
  });

  it('names all the problems at once', () => {
    const value = {
      ...file({ ...least, name: '' }, { ...least, confidence: 101 }),
      refreshEvery: 'x',
    };
    assert.deepEqual(
      problemsOf(value).map((problem) => problem.split(':', 1)[0]),
      ['refreshEvery', 'feeds[0].name', 'feeds[1].confidence'],
    );
    assert.throws(() => parseFeedConfiguration(value), { code: 'CONFIGURATION', message: /;/ });
  });
});

describe('a field of a feed', () => {
  for (const [field, values, fix] of [
    [
      'name',
      ['', '.a', 'a.', '-', 'a b', 'a/b', '..', 'ä', 'a\n', 'x'.repeat(65)],
      /letters, digits/,
    ],
    ['name', [undefined, null, 5], /expected string/],
    [
      'address',
      [undefined, '', 'x', 'ftp://x.example/', 'file:///etc/passwd', 'https://', 5],
      /https/,
    ],
    ['address', ['http://x.example/', 'HTTP://x.example/'], /plain http.*"allowPrivate"/],
    [
      'address',
      ['https://u:p@x.example/', 'https://u@x.example/', 'https://:p@x.example/'],
      /"credential"/,
    ],
    ['address', [`https://x.example/${'x'.repeat(2000)}`], /2000/],
    ['enabled', ['yes', 1, null], /boolean/],
    ['format', ['xml', 'CSV', 'misp-manifest', null], /"plain".*"taxii"/],
    ['kind', ['bad', 'whitelist', null], /"threat".*"warningList"/],
    ['confidence', [-1, 101], /0|100/],
    ['confidence', [1.5, '50'], /expected/],
    ['direction', ['in', null], /"source"\|"destination"\|"both"/],
    ['tlp', ['white', 'TLP:RED'], /"clear".*"red"/],
    ['acceptTlpRed', ['true', 1], /boolean/],
    ['minimumConfidence', [-1, 101, 0.5, null], /expected/],
    ['refreshEvery', ['5m', 'P1M', '', '3600'], /ISO 8601 duration.*PT1H/],
    ['refreshEvery', ['PT0S', 'PT59S', 'P31D'], /at least 1 minutes and at most 30 days/],
    ['refreshEvery', [3600, null], /expected string/],
    ['timeToLive', ['PT59M', 'P3651D'], /at least 60 minutes and at most 3650 days/],
    ['allowPrivate', ['true', null], /boolean/],
    ['maxBytes', [999, 4 * 1024 ** 3 + 1, 1000.5, '5'], /expected/],
    ['licence', [5, 'x'.repeat(501)], /string/],
    ['attribution', [5, 'x'.repeat(501)], /string/],
    ['terms', ['x', 'example.com'], /URL/],
    ['credential', ['s3cret', null, []], /expected object/],
  ] as const) {
    for (const value of values) {
      const shown = JSON.stringify(value)?.slice(0, 30) ?? 'absent';
      it(`${field} ${shown}: is refused by its name, with what to do`, () => {
        const [problem = '', ...others] = problemsOf(
          file(least, { ...full, allowPrivate: false, name: 'b', [field]: value }),
        );
        assert.match(problem, new RegExp(`^feeds\\[1\\]\\.${field}: `));
        assert.match(problem, fix);
        assert.deepEqual(others, []);
      });
    }
  }

  for (const [field, values] of [
    ['name', ['a', 'A9', 'a.b_c-d', 'x'.repeat(64)]],
    ['confidence', [0, 100, null]],
    ['refreshEvery', ['PT1M', 'P30D', 'PT60S']],
    ['timeToLive', ['PT1H', 'P3650D']],
    ['maxBytes', [1000, 4 * 1024 ** 3]],
    ['address', ['https://x.example', 'https://[2001:db8::1]:8443/a?b=c']],
  ] as const) {
    it(`${field} may go to its limits`, () => {
      for (const value of values)
        assert.deepEqual(problemsOf(file({ ...least, [field]: value })), []);
    });
  }

  it('that there is not is refused, so that no slip of the pen is lost', () => {
    assert.deepEqual(problemsOf(file({ ...least, whitelist: true })), [
      'feeds[0]: Unrecognized key: "whitelist"',
    ]);
    const text = JSON.stringify(least).replace('}', ',"__proto__":{"allowPrivate":true}}');
    assert.match(problemsOf(file(JSON.parse(text) as object))[0]!, /__proto__/);
  });

  it('address may be plain http where private targets are allowed', () => {
    const address = 'http://127.0.0.1:8080/list.txt';
    assert.equal(feedOf({ address, allowPrivate: true }).address, address);
  });
});

describe('a credential', () => {
  const setting = 'FeedCredentialA';
  for (const [credential, path, fix] of [
    [
      { type: 'bearer', setting: 'sk-0123456789' },
      'credential.setting',
      /begins with FeedCredential.*never the secret/,
    ],
    [
      { type: 'bearer', setting: 'AzureWebJobsStorage' },
      'credential.setting',
      /begins with FeedCredential/,
    ],
    [
      { type: 'bearer', setting: 'FeedCredential A' },
      'credential.setting',
      /begins with FeedCredential/,
    ],
    [{ type: 'bearer' }, 'credential.setting', /expected string/],
    [{ type: 'bearer', setting, token: 'sk-0123456789' }, 'credential', /"token"/],
    [{ type: 'basic', setting }, 'credential.user', /expected string/],
    [{ type: 'basic', user: '', setting }, 'credential.user', /expected/],
    [{ type: 'header', header: 'A: B', setting }, 'credential.header', /name of an HTTP header/],
    [{ type: 'header', setting }, 'credential.header', /expected string/],
    [{ type: 'oauth', setting }, 'credential.type', /'bearer' \| 'basic' \| 'header'/],
    [{ setting }, 'credential.type', /'bearer'/],
  ] as const) {
    it(`${JSON.stringify(credential)}: is refused at ${path}, without a word of it`, () => {
      const problems = problemsOf(file({ ...least, credential }));
      assert.equal(problems.length, 1);
      assert.ok(problems[0]!.startsWith(`feeds[0].${path}: `), problems[0]);
      assert.match(problems[0]!, fix);
      assert.doesNotMatch(problems[0]!, /sk-0123456789/);
    });
  }
});

describe('the file as a whole', () => {
  for (const [what, value, problem] of [
    ['nothing', null, /^the file: .*expected object/],
    ['a list', [], /^the file: .*expected object/],
    ['a text', 'x', /^the file: /],
    ['no version', { feeds: [] }, /^version: .*1/],
    ['another version', { version: 2, feeds: [] }, /^version: .*1/],
    ['no list of feeds', { version: 1 }, /^feeds: .*array/],
    ['feeds that are no objects', { version: 1, feeds: ['x'] }, /^feeds\[0\]: .*object/],
    ['another member', { version: 1, feeds: [], x: 1 }, /^the file: .*"x"/],
    [
      'a time to live of no kind',
      { version: 1, feeds: [], timeToLiveByKind: { bad: 'P1D' } },
      /^timeToLiveByKind: .*"bad"/,
    ],
    [
      'a time to live that is none',
      { version: 1, feeds: [], timeToLiveByKind: { scanner: 'x' } },
      /^timeToLiveByKind\.scanner: .*ISO 8601/,
    ],
    [
      'too many feeds',
      file(...Array.from({ length: 501 }, (_, i) => ({ ...least, name: `f${i}` }))),
      /^feeds: .*500/,
    ],
  ] as const) {
    it(`is refused as ${what}`, () => {
      const problems = problemsOf(value);
      assert.equal(problems.length, 1);
      assert.match(problems[0]!, problem);
    });
  }

  it('may name no feed twice, in whatever case: names are parts of paths', () => {
    assert.deepEqual(
      problemsOf(file({ ...least, name: 'Feodo' }, least, { ...least, name: 'feodo' })),
      ['feeds[2].name: a second feed is called feodo'],
    );
    assert.deepEqual(problemsOf(file(least, { ...least, name: 'b' })), []);
  });
});

describe('how often and how long', () => {
  const configuration = parseFeedConfiguration({
    ...file(least, { ...full, name: 'b' }),
    timeToLiveByKind: { scanner: 'P1D' },
  });
  const [plain, own] = configuration.feeds as [ConfiguredFeed, ConfiguredFeed];

  it('goes by the feed, else by the file', () => {
    assert.equal(refreshEveryOf(configuration, own), 5 * MINUTE);
    assert.equal(refreshEveryOf(configuration, plain), HOUR);
  });

  it('goes for the time to live by the kind in between', () => {
    assert.equal(timeToLiveOf(configuration, own, 'scanner'), 7 * DAY);
    assert.equal(timeToLiveOf(configuration, plain, 'scanner'), DAY);
    assert.equal(timeToLiveOf(configuration, plain, 'threat'), 14 * DAY);
  });
});

describe('the kind of a feed', () => {
  it('is as configured, else by its format', () => {
    assert.equal(kindOf(feedOf({ kind: 'abuse' }), 'warninglist'), 'abuse');
    assert.equal(kindOf(feedOf(), 'warninglist'), 'warningList');
    assert.equal(kindOf(feedOf(), 'plain'), 'threat');
  });
});

describe('the JSON schema of the file', () => {
  const check = new Ajv2020({ strict: false, validateFormats: false }).compile(
    feedConfigurationSchema() as object,
  );

  it('takes the file as people write it', () => {
    assert.equal(check(file(least, full)), true);
    assert.equal(
      check({ ...file(), timeToLiveByKind: { scanner: 'P1D' }, refreshEvery: 'PT1H' }),
      true,
    );
  });

  it('refuses what editors shall underline', () => {
    for (const value of [
      file({ name: 'a' }),
      file({ ...least, whitelist: 1 }),
      file({ ...least, format: 'xml' }),
      file({ ...least, refreshEvery: 5 }),
      file({ ...least, credential: { type: 'bearer', setting: 'sk-0123456789' } }),
      { version: 2, feeds: [] },
    ]) {
      assert.equal(check(value), false, JSON.stringify(value));
    }
  });
});

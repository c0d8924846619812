import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRoute } from '../../../local/host/route.ts';

function match(template: string, path: string): Record<string, string> | null {
  return parseRoute(template).match(path === '' ? [] : path.split('/'));
}

describe('a route', () => {
  it('matches its literals in any case, and nothing longer or shorter', () => {
    assert.deepEqual(match('api/Alerts', 'API/alerts'), {});
    assert.equal(match('api/alerts', 'api'), null);
    assert.equal(match('api/alerts', 'api/alerts/1'), null);
    assert.deepEqual(match('', ''), {});
  });

  it('takes the text of its parameters', () => {
    assert.deepEqual(match('api/alerts/{id}/{view}', 'api/alerts/42/full'), {
      id: '42',
      view: 'full',
    });
    assert.equal(match('alerts/{id}', 'alerts'), null);
    assert.equal(match('alerts/{id}/view', 'alerts//view'), null);
  });

  it('has no key for an optional parameter that is absent', () => {
    assert.deepEqual(match('alerts/{id?}', 'alerts'), {});
    assert.deepEqual(match('alerts/{id?}', 'alerts/7'), { id: '7' });
    assert.throws(() => parseRoute('alerts/{a?}/{b}'), /optional/);
  });

  it('takes the rest of the path into a catch-all', () => {
    assert.deepEqual(match('files/{*path}', 'files/a/b//c'), { path: 'a/b//c' });
    assert.deepEqual(match('files/{**path}', 'files/a'), { path: 'a' });
    assert.deepEqual(match('files/{*path}', 'files'), {});
  });

  it('holds its constraints', () => {
    const cases: [string, string[], string[]][] = [
      ['int', ['0', '-5', '2147483647'], ['2147483648', '1.5', 'x', '0x10']],
      ['long', ['9223372036854775807'], ['9223372036854775808', '1e3']],
      ['bool', ['true', 'False'], ['yes']],
      ['guid', ['12345678-1234-1234-1234-1234567890ab'], ['12345678']],
      ['alpha', ['abc'], ['a1']],
      ['min(3)', ['3', '10'], ['2', 'x']],
      ['max(3)', ['3', '-1'], ['4']],
      ['range(2,4)', ['2', '4'], ['1', '5']],
      ['length(2)', ['ab'], ['a', 'abc']],
      ['length(2,3)', ['ab', 'abc'], ['a', 'abcd']],
      ['minlength(2)', ['ab'], ['a']],
      ['maxlength(2)', ['ab'], ['abc']],
      ['int:min(5)', ['5'], ['4', 'x']],
    ];
    for (const [constraint, allowed, refused] of cases) {
      for (const id of allowed)
        assert.deepEqual(match(`{id:${constraint}}`, id), { id }, constraint);
      for (const id of refused) assert.equal(match(`{id:${constraint}}`, id), null, constraint);
    }
    assert.deepEqual(match('alerts/{id:int?}', 'alerts'), {});
  });

  it('stands before a less specific one', () => {
    const templates = ['a/{*p}', 'a/{*p:alpha}', 'a/{p}', 'a/{p:int}', 'a/b'];
    const sorted = templates.toSorted((a, b) =>
      parseRoute(a).precedence.localeCompare(parseRoute(b).precedence),
    );
    assert.deepEqual(sorted, ['a/b', 'a/{p:int}', 'a/{p}', 'a/{*p:alpha}', 'a/{*p}']);
  });

  it('is refused when it cannot be read', () => {
    for (const template of ['a/{p=5}', 'a/x-{p}', 'a/{p', 'a/{p:regex(^x$)}', '{*p}/a', '{p?}/a']) {
      assert.throws(() => parseRoute(template), /The route/, template);
    }
  });
});

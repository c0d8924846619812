import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { jsonOfBody } from '../../shared/format/http-body.ts';
import { RequestError, answering } from '../../shared/format/http-problem.ts';

const failing = (error: unknown) =>
  answering(async () => {
    throw error;
  });
const coded = (code: string, more: object = {}) =>
  Object.assign(new Error('SECRET of the inside'), { code, ...more });

describe('an answer of the management API', () => {
  it('is what the work gives', async () => {
    const answer = { status: 202, jsonBody: 1 };
    assert.equal(await answering(async () => answer), answer);
  });

  it('says why a request is refused, under the status of its code', async () => {
    const error = new RequestError('InvalidRequest', 'no', ['a: wrong', 'b: wrong']);
    assert.deepEqual(await failing(error), {
      status: 400,
      jsonBody: { error: { code: 'InvalidRequest', message: 'no', details: error.details } },
    });
    assert.deepEqual(await failing(new RequestError('UnknownFeed', 'none')), {
      status: 404,
      jsonBody: { error: { code: 'UnknownFeed', message: 'none' } },
    });
    assert.equal((await failing(new RequestError('PreconditionRequired', ''))).status, 428);
    assert.equal((await failing(new RequestError('BodyTooLarge', ''))).status, 413);
  });

  it('tells what an operator can mend, and nothing of the inside', async () => {
    const invalid = await failing(coded('CONFIGURATION', { problems: ['feeds: wrong'] }));
    assert.equal(invalid.status, 500);
    assert.partialDeepStrictEqual(invalid.jsonBody, {
      error: { code: 'InvalidConfiguration', details: ['feeds: wrong'] },
    });
    const busy = await failing(coded('PUBLISH_CONFLICT'));
    assert.equal(busy.status, 503);
    assert.ok(!JSON.stringify([invalid, busy]).includes('SECRET'));
  });

  it('throws to the host what nobody foresaw', async () => {
    for (const error of [new Error('x'), coded('ECONNRESET'), 'text', null]) {
      await assert.rejects(failing(error), (thrown) => thrown === error);
    }
  });
});

describe('the body of a request', () => {
  const bodyOf = async (text: string, most = 100) => jsonOfBody({ text: async () => text }, most);

  it('is JSON, or not there', async () => {
    assert.deepEqual(await bodyOf('{"a":[1]}'), { a: [1] });
    assert.equal(await bodyOf('null'), null);
    assert.equal(await bodyOf(' \r\n'), undefined);
  });

  it('has a limit', async () => {
    assert.equal(await bodyOf('"345678"', 8), '345678');
    await assert.rejects(bodyOf('"3456789"', 8), { code: 'BodyTooLarge' });
  });

  it('is not quoted when it is no JSON', async () => {
    await assert.rejects(bodyOf('SECRET'), {
      code: 'InvalidRequest',
      message: 'the body is not JSON',
    });
  });
});

import { RequestError } from './http-problem.ts';

/** The part of a request that a body is read from. */
export interface BodySource {
  text(): Promise<string>;
}

/** The JSON of a body of at most `maxLength` characters; undefined where there is none. */
export async function jsonOfBody(request: BodySource, maxLength: number): Promise<unknown> {
  const text = await request.text();
  if (text.length > maxLength) {
    throw new RequestError('BodyTooLarge', `a body of at most ${maxLength} characters is taken`);
  }
  if (text.trim() === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message quotes the body.
    throw new RequestError('InvalidRequest', 'the body is not JSON');
  }
}

import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `GET /api/indicators/{address}`: who lists the address, since when and until when, and what a contact would raise. */
export async function explainIndicator(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { explainAddress } =
      await import('../../shared/pipeline/feeds/operate/explain-address.ts');
    const { intelligence, clock } = await services();
    // Not `fresh()`: who has just changed the allowlist asks what that did.
    const loaded = await intelligence.refresh();
    return { jsonBody: explainAddress(loaded, request.params['address'] ?? '', clock.now()) };
  });
}

app.http('explainIndicator', {
  methods: ['GET'],
  route: 'indicators/{address}',
  authLevel: 'function',
  handler: explainIndicator,
});

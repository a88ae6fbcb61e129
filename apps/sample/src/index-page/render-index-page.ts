import type { Configuration } from '../configuration/configuration.js';

const ROUTES = [
  { route: 'GET /albums', needs: 'scope <code>read</code>', answer: 'the albums, and whom the access token speaks for' },
  { route: 'POST /albums', needs: 'scope <code>write</code>', answer: 'the album added, with the client that added it' },
  { route: 'GET /albums/health', needs: 'nothing', answer: '<code>ok</code>' },
  { route: 'GET /', needs: 'nothing', answer: 'this page' },
];

const STYLE = `
  body { font: 1rem/1.6 system-ui, sans-serif; max-width: 48rem; margin: 3rem auto; padding: 0 1.25rem; color: #1f2328; background: #fff }
  h1 { font-size: 1.75rem; margin-bottom: .25rem } h2 { font-size: 1.15rem; margin-top: 2.25rem }
  code, pre { font: .875rem/1.6 ui-monospace, monospace; background: #f3f4f6; border-radius: .35rem }
  code { padding: .1rem .3rem } pre { padding: .9rem 1rem; overflow-x: auto } pre code { padding: 0 }
  table { border-collapse: collapse; width: 100% } th, td { text-align: left; padding: .45rem .75rem .45rem 0; border-bottom: 1px solid #d8dee4 }
  @media (prefers-color-scheme: dark) {
    body { color: #e6edf3; background: #0d1117 } code, pre { background: #1c2128 } th, td { border-color: #30363d }
  }`;

export function renderIndexPage({ introspection, host, port }: Pick<Configuration, 'introspection' | 'host' | 'port'>): string {
  const { issuer, audience } = introspection;
  const audiences = audience.map((name) => `<code>${escapeHtml(name)}</code>`);
  const url = escapeHtml(`http://${host}:${port}`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Albums API</title>
<style>${STYLE}
</style>
</head>
<body>
<h1>Albums API</h1>
<p>A small API whose routes are protected by <strong>nestjs-introspection</strong>.</p>

<h2>Routes</h2>
<table>
<tr><th>route</th><th>needs</th><th>answers</th></tr>
${ROUTES.map(({ route, needs, answer }) => `<tr><td><code>${route}</code></td><td>${needs}</td><td>${answer}</td></tr>`).join('\n')}
</table>

<h2>Call it</h2>
<p>Get an access token from <code>${escapeHtml(issuer)}</code>, meant for ${audiences.join(' or ')}, and send it along:</p>
<pre><code>curl -i ${url}/albums -H "Authorization: Bearer &lt;access token&gt;"
curl -i ${url}/albums -H "Authorization: Bearer &lt;access token&gt;" --json '{ "title": "Giant Steps" }'</code></pre>
<p><code>npm start</code> prints such lines with fresh access tokens in them.</p>

<h2>When it refuses</h2>
<table>
<tr><th>status</th><th>because</th></tr>
<tr><td><code>401</code></td><td>there is no access token, or it is expired, revoked or not meant for this API</td></tr>
<tr><td><code>403</code></td><td>the access token lacks a scope; the answer names it</td></tr>
<tr><td><code>503</code></td><td>the authorization server cannot be asked; try again after <code>Retry-After</code> seconds</td></tr>
</table>
</body>
</html>
`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

const escapeHtml = (text: string) => text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);

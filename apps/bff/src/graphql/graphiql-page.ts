const cdn = 'https://cdn.jsdelivr.net/npm';

/** What the page loads, each by the hash of the file in its npm package: a changed one is not run. */
const scripts = [
  [
    'react@18.3.1/umd/react.production.min.js',
    'sha384-DGyLxAyjq0f9SPpVevD6IgztCFlnMF6oW/XQGmfe+IsZ8TqEiDrcHkMLKI6fiB/Z',
  ],
  [
    'react-dom@18.3.1/umd/react-dom.production.min.js',
    'sha384-gTGxhz21lVGYNMcdJOyq01Edg0jhn/c22nsx0kyqP0TxaV5WVdsSH1fSDUf5YJj1',
  ],
  [
    'graphiql@3.8.3/graphiql.min.js',
    'sha384-HbRVEFG0JGJZeAHCJ9Xm2+tpknBQ7QZmNlO/DgZtkZ0aJSypT96YYGRNod99l9Ie',
  ],
] as const;
const style = [
  'graphiql@3.8.3/graphiql.min.css',
  'sha384-Mq3vbRBY71jfjQAt/DcjxUIYY33ksal4cgdRt9U/hNPvHBCaT2JfJ/PTRiPKf0aM',
] as const;

const example = `# Compra dos unidades del producto 1 y una del 2
mutation {
  crearCompra(idUsuario: "1", productos: "1:2,2:1", domicilio: "Calle 26 # 7-11") {
    codigo
    mensaje
    id
  }
}
`;

/**
 * GraphiQL for `POST /v1`. It is not in our packages (161 of them); where the browser cannot load it the same page is
 * a form that sends a document and shows the answer.
 */
export const graphiqlPage = `<!doctype html>
<html lang="es">
<head>
<meta charset="utf-8">
<title>Cordada · GraphiQL</title>
<meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="${cdn}/${style[0]}" integrity="${style[1]}" crossorigin="anonymous">
<style>
body { margin: 0; height: 100vh; font-family: system-ui, sans-serif }
#graphiql { height: 100vh }
form { padding: 1rem; max-width: 60rem }
textarea { width: 100%; height: 14rem; font-family: monospace; box-sizing: border-box }
pre { white-space: pre-wrap }
</style>
</head>
<body>
<div id="graphiql">
<form id="form">
<h1>GraphQL</h1>
<label>Documento<textarea id="query" spellcheck="false">${example}</textarea></label>
<p><button>Enviar a POST /v1</button></p>
<pre id="answer"></pre>
</form>
</div>
<script>
document.getElementById('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const shown = document.getElementById('answer');
  try {
    const response = await fetch('/v1', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: document.getElementById('query').value }),
    });
    shown.textContent = response.status + '\\n' + (await response.text());
  } catch (error) {
    shown.textContent = String(error);
  }
});
</script>
${scripts
  .map(
    ([path, hash]) =>
      `<script defer src="${cdn}/${path}" integrity="${hash}" crossorigin="anonymous"></script>`,
  )
  .join('\n')}
<script>
addEventListener('load', () => {
  if (!window.GraphiQL || !window.ReactDOM) return;
  const fetcher = async (request) =>
    (await fetch('/v1', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    })).json();
  ReactDOM.createRoot(document.getElementById('graphiql')).render(
    React.createElement(GraphiQL, { fetcher, defaultQuery: ${JSON.stringify(example)} }),
  );
});
</script>
</body>
</html>
`;

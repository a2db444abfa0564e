const example = `# Compra dos unidades del producto 1 y una del 2
mutation {
  crearCompra(idUsuario: "1", productos: "1:2,2:1", domicilio: "Calle 26 # 7-11") {
    codigo
    mensaje
    id
  }
}
`;

/** A form that sends a document to `POST /v1` and shows the answer. It loads nothing from anywhere else. */
export const graphqlFormPage = `<!doctype html>
<html lang="es">
<head>
<meta charset="utf-8">
<title>Cordada · GraphQL</title>
<meta name="viewport" content="width=device-width">
<style>
body { margin: 0; height: 100vh; font-family: system-ui, sans-serif }
form { padding: 1rem; max-width: 60rem }
textarea { width: 100%; height: 14rem; font-family: monospace; box-sizing: border-box }
pre { white-space: pre-wrap }
</style>
</head>
<body>
<form id="form">
<h1>GraphQL</h1>
<label>Documento<textarea id="query" spellcheck="false">${example}</textarea></label>
<p><button>Enviar a POST /v1</button></p>
<pre id="answer"></pre>
</form>
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
</body>
</html>
`;

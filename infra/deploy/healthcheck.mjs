// Ends with 0 where the service of this container answers /ready with 200, else with 1 and what it answers.
const { PORT = '8000' } = process.env;
try {
  const answer = await fetch(`http://127.0.0.1:${PORT}/ready`, { signal: AbortSignal.timeout(4_000) });
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}

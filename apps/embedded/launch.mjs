// Runs a TypeScript program of this repository, and makes ready whatever it needs first:
//   node apps/embedded/launch.mjs [--service | --bundle] <program> [argument …]
// The start for everyone, so it must work where nothing is installed and say so where Node is too old: until Node is
// known to be new enough, this file uses only what Node 12 can parse, and bootstrap.mjs is not loaded.
const OLDEST_NODE = 20;

if (parseInt(process.versions.node, 10) < OLDEST_NODE) {
  console.error(
    'Cordada needs Node ' +
      OLDEST_NODE +
      ' or newer; this is Node ' +
      process.versions.node +
      ' (' +
      process.execPath +
      ').',
  );
  process.exit(1);
} else {
  void import('./bootstrap.mjs').then((bootstrap) => bootstrap.launch(process.argv.slice(2)));
}

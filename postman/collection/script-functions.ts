/**
 * JavaScript that the collection's scripts call; each script carries those it uses. In an order in which each comes
 * after what it calls.
 */
export const functions: Readonly<Record<string, string>> = {
  save: `
    const save = (name, value) => pm.collectionVariables.set(name, value);`,
  saved: `
    const saved = (name) => pm.collectionVariables.get(name);`,
  newCampaign: `
    // Ids and names that nobody has used before: a run finds nothing of an earlier one in its way.
    const newCampaign = () => {
      const guid = () => pm.variables.replaceIn('{{$guid}}');
      pm.collectionVariables.set('nombre', 'Campaña ' + guid());
      pm.collectionVariables.set('marca', 'marca-' + guid());
      for (const n of [1, 2, 3]) pm.collectionVariables.set('participante' + n, guid());
    };`,
  answers: `
    const answers = (status) =>
      pm.test('answers ' + status, () => pm.expect(pm.response.code, pm.response.text().slice(0, 500)).to.equal(status));`,
  accepted: `
    // 202, and where the outcome can be read: kept as a path and, its last part, as an id.
    const accepted = (kind) => {
      pm.test('answers 202 with the Location of its outcome', () => {
        pm.expect(pm.response.code, pm.response.text().slice(0, 500)).to.equal(202);
        pm.expect(pm.response.headers.get('Location')).to.match(kind);
      });
      const location = pm.response.headers.get('Location') || '/not-accepted';
      pm.collectionVariables.set('location', location);
      pm.collectionVariables.set('outcome', location.split('/').pop());
      pm.collectionVariables.unset('tries');
    };`,
  poll: `
    // Sends this very request again until the answer is over, at most 150 times, a fifth of a second apart. Sent by
    // hand, outside a run, Postman sends it once: send it again.
    const poll = (isOver, whenOver) => {
      const tries = Number(pm.collectionVariables.get('tries') || 0) + 1;
      const answer = pm.response.code === 200 ? pm.response.json() : undefined;
      if (answer !== undefined && isOver(answer)) {
        pm.collectionVariables.unset('tries');
        whenOver(answer);
      } else if (tries >= 150) {
        pm.collectionVariables.unset('tries');
        pm.test('is over in time', () => pm.expect.fail(pm.response.code + ' ' + pm.response.text().slice(0, 500)));
      } else {
        pm.collectionVariables.set('tries', tries);
        setTimeout(() => {}, 200);
        pm.execution.setNextRequest(pm.info.requestId);
      }
    };`,
  pollSaga: `
    const pollSaga = (end, whenOver) =>
      poll(({ estado }) => ['COMPLETED', 'COMPENSATED', 'PARKED'].includes(estado), (saga) => {
        pm.test('the saga ends ' + end + ', and no step remains', () => {
          pm.expect(saga.estado).to.equal(end);
          pm.expect(saga.restantes).to.be.empty;
        });
        whenOver(saga);
      });`,
  pollOperation: `
    const pollOperation = (end, whenOver) =>
      poll(({ estado }) => estado !== 'PENDING', (operation) => {
        pm.test('the operation ends ' + end, () => pm.expect(operation.estado).to.equal(end));
        whenOver(operation);
      });`,
  sent: `
    // How often each contract stands in the saga's messages; those left out are not looked at.
    const sent = (saga, times) =>
      pm.test('messages: ' + JSON.stringify(times), () => {
        const counted = {};
        for (const contract of Object.keys(times)) {
          counted[contract] = saga.mensajes.filter(({ contrato }) => contrato === contract).length;
        }
        pm.expect(counted).to.deep.equal(times);
      });`,
  ordered: `
    // Each contract only begins after the last message of the one before.
    const ordered = (saga, ...contracts) =>
      pm.test('in this order: ' + contracts.join(', '), () => {
        const all = saga.mensajes.map(({ contrato }) => contrato);
        contracts.slice(1).forEach((contract, index) => {
          pm.expect(all.indexOf(contract), contract).to.be.above(all.lastIndexOf(contracts[index]));
        });
      });`,
  mine: `
    // Those of a list that belong to what this run made.
    const mine = (field, variable) => {
      const list = pm.response.json();
      pm.expect(list, 'a plain array').to.be.an('array');
      return list.filter((one) => one[field] === pm.collectionVariables.get(variable));
    };`,
  all: `
    const all = (list, count, estado) => {
      pm.expect(list.map((one) => one.estado)).to.deep.equal(new Array(count).fill(estado));
    };`,
  refused: `
    // A JSON:API error; where it is about a field, it names it.
    const refused = (status, names) =>
      pm.test('is refused with ' + status + (names ? ', naming ' + names : ''), () => {
        pm.expect(pm.response.code, pm.response.text().slice(0, 500)).to.equal(status);
        const { errors } = pm.response.json();
        pm.expect(errors).to.be.an('array').that.is.not.empty;
        for (const error of errors) {
          pm.expect(error.status).to.equal(String(status));
          pm.expect(error).to.include.all.keys('code', 'title', 'detail');
        }
        if (names) pm.expect(JSON.stringify(errors)).to.include(names);
      });`,
};

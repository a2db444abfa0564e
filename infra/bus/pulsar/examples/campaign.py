"""Begins a campaign saga and follows it to its end, by any Pulsar client: no code of Cordada is needed, only its contracts.

    pip install 'pulsar-client[avro]==3.13.0'
    python3 campaign.py --broker pulsar://localhost:6650 --admin http://localhost:8080
    python3 campaign.py --wrong      # a record of another shape: the registry refuses its producer

Ends with 0 when the saga has completed (or, with --wrong, when the producer was refused), else with 1.
"""

import argparse
import json
import queue
import sys
import urllib.error
import urllib.request
import uuid
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pulsar
from fastavro.schema import fingerprint, to_parsing_canonical_form
from pulsar.schema import AvroSchema

CONTRACTS = Path(__file__).parents[4] / 'schemas'
COMMAND = 'campaign/IniciarCampaign'
COMPLETED = 'campaign/ReservaAprobada'
FAILED = ('campaign/RegistroCampaignFallido', 'campaign/CampaignCancelada')
EVENTS = ('campaign/CampaignRegistrada', 'partner/PartnerRegistrado', 'tracking/EventoRegistrado', COMPLETED, *FAILED)
LATEST = 2**63 - 1


def schema_of(contract: str) -> dict:
    return json.loads((CONTRACTS / contract / 'v1.0.avsc').read_text())


def properties_of(contract: str, schema: dict, saga: str) -> dict[str, str]:
    """CloudEvents 1.0, and the schema that wrote the message. The saga, which is the message's key too, makes it happen once."""
    crc = fingerprint(to_parsing_canonical_form(schema), 'CRC-64-AVRO')  # its bytes are in reverse
    return {
        'ce-id': str(uuid.uuid4()),
        'ce-type': f'cordada.{contract.replace("/", ".")}',
        'ce-source': '/examples/campaign.py',
        'ce-time': datetime.now(timezone.utc).isoformat(timespec='milliseconds'),
        'ce-specversion': '1.0',
        'ce-subject': saga,
        'ce-dataschema': f'{contract}/v1.0#{bytes.fromhex(crc)[::-1].hex()}',
        'correlationid': saga,
        'idempotencykey': saga,
    }


def make_subscription(admin: str, path: str, name: str) -> None:
    """From now on. The broker makes none by itself, so that a mistyped name holds no messages back."""
    request = urllib.request.Request(
        f'{admin}/admin/v2/persistent/{path}/subscription/{name}',
        method='PUT',
        headers={'content-type': 'application/json'},
        data=json.dumps({'ledgerId': LATEST, 'entryId': LATEST}).encode(),
    )
    urllib.request.urlopen(request, timeout=30).close()


def run_campaign(client: pulsar.Client, options: argparse.Namespace) -> bool:
    saga = str(uuid.uuid4())
    events: queue.Queue = queue.Queue()
    name = f'example-{saga}'
    consumers = []
    try:
        for contract in EVENTS:
            path = f'{options.tenant}/{contract}.v1'
            make_subscription(options.admin, path, name)
            consumers.append(
                client.subscribe(
                    f'persistent://{path}',
                    name,
                    schema=AvroSchema(None, schema_of(contract)),
                    message_listener=lambda consumer, message, contract=contract: events.put(
                        (contract, consumer, message)
                    ),
                )
            )
        schema = schema_of(COMMAND)
        producer = client.create_producer(
            f'persistent://{options.tenant}/{COMMAND}.v1', schema=AvroSchema(None, schema)
        )
        participants = [
            {'id': str(uuid.uuid4()), 'tipo': tipo, 'nombre': nombre, 'informacion_perfil': ''}
            for tipo, nombre in (('influencer', 'Ana Muñoz'), ('afiliado', 'Radio Ñuñoa'))
        ]
        record = {
            'nombre': options.nombre or f'Otoño {saga}',
            'presupuesto': Decimal('1500.50'),
            'divisa': 'COP',
            'marca_id': options.marca,
            'participantes': participants,
        }
        producer.send(record, properties=properties_of(COMMAND, schema, saga), partition_key=saga)
        print(f'saga {saga}', flush=True)

        # A key is in order within a topic, not across topics: the last event may come before the others.
        awaited = [EVENTS[0], *[EVENTS[1], EVENTS[2]] * len(participants), COMPLETED]
        while awaited:
            contract, consumer, message = events.get(timeout=options.seconds)
            if message.properties()['correlationid'] == saga:
                print(f'{contract} {json.dumps(message.value(), default=str, ensure_ascii=False)}', flush=True)
                if contract in FAILED:
                    return False
                if contract in awaited:  # at least once: it may come again
                    awaited.remove(contract)
            consumer.acknowledge(message)
        return True
    except queue.Empty:
        print(f'not all events came within {options.seconds} s', file=sys.stderr)
        return False
    finally:
        for consumer in consumers:
            consumer.unsubscribe()  # one that nobody reads would hold producers back some day


def is_wrong_record_refused(client: pulsar.Client, options: argparse.Namespace) -> bool:
    schema = schema_of(COMMAND)
    wrong = {**schema, 'fields': [{'name': 'presupuesto', 'type': 'string'}]}
    try:
        client.create_producer(f'persistent://{options.tenant}/{COMMAND}.v1', schema=AvroSchema(None, wrong))
    except pulsar.IncompatibleSchema as refusal:
        print(f'refused: {refusal}')
        return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--broker', default='pulsar://localhost:6650')
    parser.add_argument('--admin', default='http://localhost:8080')
    parser.add_argument('--tenant', default='cordada')
    parser.add_argument('--marca', default='marca-1')
    parser.add_argument('--nombre', help='a brand has one living campaign of each name')
    parser.add_argument('--seconds', type=float, default=60, help='how long to wait for an event')
    parser.add_argument('--wrong', action='store_true', help='try to publish a record of another shape')
    options = parser.parse_args()
    client = pulsar.Client(options.broker, logger=pulsar.ConsoleLogger(pulsar.LoggerLevel.Error))
    try:
        return 0 if (is_wrong_record_refused if options.wrong else run_campaign)(client, options) else 1
    finally:
        client.close()


if __name__ == '__main__':
    sys.exit(main())

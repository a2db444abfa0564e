import { runService } from '@cordada/infra/service/run-service.ts';
import { build, migrations } from './service.ts';

runService({ name: 'consolidador', migrations, build });

import { runService } from '@cordada/infra/service/run-service.ts';
import { build } from './service.ts';

runService({ name: 'consultas', build });

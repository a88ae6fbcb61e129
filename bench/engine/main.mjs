import { serveParent } from '../processes/child.mjs';
import { measureColdVerification } from './cold-verification.mjs';
import { measureHeapGrowth } from './heap-growth.mjs';
import { measureNetworkIntrospection } from './network-introspection.mjs';

serveParent({ measureColdVerification, measureHeapGrowth, measureNetworkIntrospection });

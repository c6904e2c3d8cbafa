export * from './index.js';
import * as tokenwell from './index.js';
export default tokenwell;

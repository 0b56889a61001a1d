export { unpack as default } from './packed';

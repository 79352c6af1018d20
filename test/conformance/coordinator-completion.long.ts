import { executeTable } from './cells.js';

executeTable('CoordinatorCompletion');

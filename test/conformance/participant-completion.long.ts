import { executeTable } from './cells.js';

executeTable('ParticipantCompletion');

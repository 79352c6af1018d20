/**
 * The state tables of WS-BusinessActivity 1.1 (appendix "State Tables") as they are printed, turned by a quarter: one line per
 * state, one column per message.
 *
 * receive: `>X` go to X; `ignore` consume; `+M` send M again; `x` answer with the fault InvalidState.
 * send:    `>X` may be sent, goes to X; `again` may be sent again; `-` must not be sent.
 */
export const TABLE_DATA = {
  ParticipantCompletion: {
    coordinator: {
      receive: `
                        Exit      Completed    Fail                   CannotComplete  Canceled  Closed  Compensated
  Active                >Exiting  >Completed   >Failing-Active        >NotCompleting  x         x       x
  Canceling             >Exiting  >Completed   >Failing-Canceling     >NotCompleting  >Ended    x       x
  Completed             x         ignore       x                      x               x         x       x
  Closing               x         +Close       x                      x               x         >Ended  x
  Compensating          x         +Compensate  >Failing-Compensating  x               x         x       >Ended
  Failing-Active        x         x            ignore                 x               x         x       x
  Failing-Canceling     x         x            ignore                 x               x         x       x
  Failing-Compensating  x         ignore       ignore                 x               x         x       x
  NotCompleting         x         x            x                      ignore          x         x       x
  Exiting               ignore    x            x                      x               x         x       x
  Ended                 +Exited   ignore       +Failed                +NotCompleted   ignore    ignore  ignore`,
      send: `
                        Cancel      Close     Compensate     Failed  Exited  NotCompleted
  Active                >Canceling  -         -              -       -       -
  Canceling             again       -         -              -       -       -
  Completed             -           >Closing  >Compensating  -       -       -
  Closing               -           again     -              -       -       -
  Compensating          -           -         again          -       -       -
  Failing-Active        -           -         -              >Ended  -       -
  Failing-Canceling     -           -         -              >Ended  -       -
  Failing-Compensating  -           -         -              >Ended  -       -
  NotCompleting         -           -         -              -       -       >Ended
  Exiting               -           -         -              -       >Ended  -
  Ended                 -           -         -              again   again   again`,
    },
    participant: {
      receive: `
                        Cancel           Close     Compensate     Failed  Exited  NotCompleted
  Active                >Canceling       x         x              x       x       x
  Canceling             ignore           x         x              x       x       x
  Completed             +Completed       >Closing  >Compensating  x       x       x
  Closing               ignore           ignore    x              x       x       x
  Compensating          ignore           x         ignore         x       x       x
  Failing-Active        +Fail            x         x              >Ended  x       x
  Failing-Canceling     +Fail            x         x              >Ended  x       x
  Failing-Compensating  ignore           x         +Fail          >Ended  x       x
  NotCompleting         +CannotComplete  x         x              x       x       >Ended
  Exiting               +Exit            x         x              x       >Ended  x
  Ended                 +Canceled        +Closed   +Compensated   ignore  ignore  ignore`,
      send: `
                        Exit      Completed   Fail                   CannotComplete  Canceled  Closed  Compensated
  Active                >Exiting  >Completed  >Failing-Active        >NotCompleting  -         -       -
  Canceling             -         -           >Failing-Canceling     -               >Ended    -       -
  Completed             -         again       -                      -               -         -       -
  Closing               -         -           -                      -               -         >Ended  -
  Compensating          -         -           >Failing-Compensating  -               -         -       >Ended
  Failing-Active        -         -           again                  -               -         -       -
  Failing-Canceling     -         -           again                  -               -         -       -
  Failing-Compensating  -         -           again                  -               -         -       -
  NotCompleting         -         -           -                      again           -         -       -
  Exiting               again     -           -                      -               -         -       -
  Ended                 -         -           -                      -               again     again   again`,
    },
  },
  CoordinatorCompletion: {
    coordinator: {
      receive: `
                        Exit      Completed    Fail                   CannotComplete  Canceled  Closed  Compensated
  Active                >Exiting  x            >Failing-Active        >NotCompleting  x         x       x
  Canceling-Active      >Exiting  x            >Failing-Canceling     >NotCompleting  >Ended    x       x
  Canceling-Completing  >Exiting  >Completed   >Failing-Canceling     >NotCompleting  >Ended    x       x
  Completing            >Exiting  >Completed   >Failing-Completing    >NotCompleting  x         x       x
  Completed             x         ignore       x                      x               x         x       x
  Closing               x         +Close       x                      x               x         >Ended  x
  Compensating          x         +Compensate  >Failing-Compensating  x               x         x       >Ended
  Failing-Active        x         x            ignore                 x               x         x       x
  Failing-Canceling     x         x            ignore                 x               x         x       x
  Failing-Completing    x         x            ignore                 x               x         x       x
  Failing-Compensating  x         ignore       ignore                 x               x         x       x
  NotCompleting         x         x            x                      ignore          x         x       x
  Exiting               ignore    x            x                      x               x         x       x
  Ended                 +Exited   ignore       +Failed                +NotCompleted   ignore    ignore  ignore`,
      send: `
                        Cancel                 Complete     Close     Compensate     Failed  Exited  NotCompleted
  Active                >Canceling-Active      >Completing  -         -              -       -       -
  Canceling-Active      again                  -            -         -              -       -       -
  Canceling-Completing  again                  -            -         -              -       -       -
  Completing            >Canceling-Completing  again        -         -              -       -       -
  Completed             -                      -            >Closing  >Compensating  -       -       -
  Closing               -                      -            again     -              -       -       -
  Compensating          -                      -            -         again          -       -       -
  Failing-Active        -                      -            -         -              >Ended  -       -
  Failing-Canceling     -                      -            -         -              >Ended  -       -
  Failing-Completing    -                      -            -         -              >Ended  -       -
  Failing-Compensating  -                      -            -         -              >Ended  -       -
  NotCompleting         -                      -            -         -              -       -       >Ended
  Exiting               -                      -            -         -              -       >Ended  -
  Ended                 -                      -            -         -              again   again   again`,
    },
    participant: {
      receive: `
                        Cancel           Complete         Close     Compensate     Failed  Exited  NotCompleted
  Active                >Canceling       >Completing      x         x              x       x       x
  Canceling             ignore           ignore           x         x              x       x       x
  Completing            >Canceling       ignore           x         x              x       x       x
  Completed             +Completed       +Completed       >Closing  >Compensating  x       x       x
  Closing               ignore           ignore           ignore    x              x       x       x
  Compensating          ignore           ignore           x         ignore         x       x       x
  Failing-Active        +Fail            +Fail            x         x              >Ended  x       x
  Failing-Canceling     +Fail            +Fail            x         x              >Ended  x       x
  Failing-Completing    +Fail            +Fail            x         x              >Ended  x       x
  Failing-Compensating  ignore           ignore           x         +Fail          >Ended  x       x
  NotCompleting         +CannotComplete  +CannotComplete  x         x              x       x       >Ended
  Exiting               +Exit            +Exit            x         x              x       >Ended  x
  Ended                 +Canceled        +Fail            +Closed   +Compensated   ignore  ignore  ignore`,
      send: `
                        Exit      Completed   Fail                   CannotComplete  Canceled  Closed  Compensated
  Active                >Exiting  -           >Failing-Active        >NotCompleting  -         -       -
  Canceling             -         -           >Failing-Canceling     -               >Ended    -       -
  Completing            >Exiting  >Completed  >Failing-Completing    >NotCompleting  -         -       -
  Completed             -         again       -                      -               -         -       -
  Closing               -         -           -                      -               -         >Ended  -
  Compensating          -         -           >Failing-Compensating  -               -         -       >Ended
  Failing-Active        -         -           again                  -               -         -       -
  Failing-Canceling     -         -           again                  -               -         -       -
  Failing-Completing    -         -           again                  -               -         -       -
  Failing-Compensating  -         -           again                  -               -         -       -
  NotCompleting         -         -           -                      again           -         -       -
  Exiting               again     -           -                      -               -         -       -
  Ended                 -         -           -                      -               again     again   again`,
    },
  },
} as const;

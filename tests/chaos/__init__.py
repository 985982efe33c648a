"""``make chaos``: the installed daemon against everything that goes wrong, and a judge that believes nobody.

A seed makes a plan (``plan``): jobs with random histories, and what happens to the daemon, the endpoint, the
receivers and the machine.  The arena (``arena``) carries it out; the judge (``judge``) compares what the receivers
have on record with what the simulator played, and never looks into the product's database.

What must be told.  A job's history is a row of *eras*: stretches in which its status and the statuses of its
sub-tasks stay the same.  An era has been *seen for certain* when the endpoint gave an unspoilt Get answer in it, and
the same daemon process, with its disk and its database in order and not stopped, asked again in that region
afterwards: it asks again only when it has written down what it saw.  Every channel must be told
  - the last era of each job, and of a failed one AWS's failureMessage, word for word;
  - every era that was seen for certain, unless its statuses are those of the era that was told before it: a sub-task
    that was run again, and completed while nobody could look, has not changed for whoever looks now;
  - every event that any channel was told, if the channel's ``on`` has it.
An era that nobody looked at may be missing: its changes then appear in the next one that is told, and the words
``old -> new`` of a job's messages always form a chain without a gap.

Gateways answer in AWS's place (``gateway``): nothing that they say may be believed, and no redirect may be followed.  A
channel whose URL has worked may not give a message up because of a refusal (``judge``).

What must not be.  A message whose statuses, times, fields or reason are not those of the history (a phantom); news of
a subject that arrives after newer news of it (a reorder), unless it was dead, was revived and says that it is late;
and a message that arrives twice without saying that it may be a repeat, or without a reason: the death of the daemon
before it could mark it, an outcome that the receiver left open, or a disk that was full just then.
"""

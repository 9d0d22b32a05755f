#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peer.h"

int
main(int argc, char **argv)
{
	const char *workload = argc > 1 ? argv[1] : "";
	int n[3] = {0, 0, 0};
	int given = 0;

	for (; given < 3 && given + 2 < argc; given++)
		n[given] = atoi(argv[given + 2]);
	raise_descriptor_limit();

	if (!strcmp(workload, "version") && given == 0)
		printf("%s\n", event_get_version());
	else if (!strcmp(workload, "timers") && given == 1)
		run_timers(n[0]);
	else if (!strcmp(workload, "pipes") && given == 3)
		run_pipes(n[0], n[1], n[2]);
	else if (!strcmp(workload, "activate") && given == 1)
		run_activate(n[0]);
	else if (!strcmp(workload, "post") && given == 1)
		run_post(n[0]);
	else if (!strcmp(workload, "serve") && given == 0)
		run_serve(0, 0);
	else if (!strcmp(workload, "serve") && given == 2)
		run_serve(n[0], n[1]);
	else
		fail("unknown workload");
	return 0;
}

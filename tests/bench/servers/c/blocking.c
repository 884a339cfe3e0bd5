/* The workload HELLO without a loop: blocking calls of accept, write and close. This server shows the cost of
 * the system calls alone, and the size of a program without a library. */

#define _GNU_SOURCE
#include "harness.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int listener = begin_harness(argc, argv);
	if (workload != HELLO)
		fail("this server supports only the workload hello");
	fcntl(listener, F_SETFL, 0);
	listening();
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0 || write(fd, greeting, sizeof greeting) != sizeof greeting)
			fail("a connection was lost");
		accepted();
		close(fd);
		closed();
	}
}

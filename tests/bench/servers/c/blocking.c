/* HELLO without a loop: accept, write and close, each of which waits. What the system calls take by
 * themselves, and what a program takes that has none of the libraries. */

#define _GNU_SOURCE
#include "agreement.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	int listener = agree(argc, argv);
	if (workload != HELLO)
		fail("without a loop there is one connection at a time");
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

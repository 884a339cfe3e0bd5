/* HELLO without a loop: blocking calls of accept, write and close. It shows the cost of the system
 * calls themselves, and the size of a program without any of the libraries. */

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

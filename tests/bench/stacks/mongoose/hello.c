/* hello-world on Mongoose and its TCP/IP stack: greets each client, closes the connection, and ends two seconds
 * after Ctrl-C. */
#include "board.h"
#include "mongoose.h"

static const char GREETING[] = "Hello, World!\n";

uint64_t mg_millis(void) { return board_millis(); }

bool mg_random(void *bytes, size_t length)
{
    static uint32_t state = 1;
    for (size_t at = 0; at < length; at++) {
        state = state * 1664525u + 1013904223u + board_millis();
        ((uint8_t *)bytes)[at] = state >> 24;
    }
    return true;
}

static bool start_driver(struct mg_tcpip_if *interface)
{
    (void)interface;
    return true;
}

static size_t send_frame(const void *frame, size_t length, struct mg_tcpip_if *interface)
{
    (void)interface;
    board_send(frame, length);
    return length;
}

static size_t receive_frame(void *frame, size_t size, struct mg_tcpip_if *interface)
{
    (void)interface;
    return board_receive(frame, size);
}

static bool is_up(struct mg_tcpip_if *interface, bool each_second)
{
    (void)interface;
    (void)each_second;
    return true;
}

static struct mg_tcpip_driver driver = {start_driver, send_frame, receive_frame, is_up};

static void on_event(struct mg_connection *client, int event, void *data)
{
    (void)data;
    if (event == MG_EV_ACCEPT) {
        mg_send(client, GREETING, sizeof GREETING - 1);
        client->is_draining = 1;
    } else if (event == MG_EV_READ) {
        mg_iobuf_del(&client->recv, 0, client->recv.len);
    }
}

int main(void)
{
    static struct mg_mgr manager;
    static struct mg_tcpip_if interface = {.driver = &driver};
    bool is_ending = false;
    uint32_t end_at = 0;

    board_start();
    board_mac(interface.mac);
    interface.ip = MG_IPV4(10, 0, 2, 15);
    interface.mask = MG_IPV4(255, 255, 255, 0);
    interface.gw = MG_IPV4(10, 0, 2, 2);
    mg_mgr_init(&manager);
    mg_tcpip_init(&manager, &interface);
    mg_listen(&manager, "tcp://0.0.0.0:9995", on_event, NULL);
    board_log("listening on port 9995");

    for (;;) {
        mg_mgr_poll(&manager, 0);
        if (!is_ending && board_interrupted()) {
            board_log("exiting in two seconds");
            is_ending = true;
            end_at = board_millis() + 2000;
        }
        if (is_ending && (int32_t)(board_millis() - end_at) >= 0) {
            board_log_heap();
            board_exit();
        }
        board_sleep();
    }
}

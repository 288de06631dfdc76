/* Writes a framed byte stream for `focus-run --camera fifo:/path` or `unix:/path`; docs/stream.md has the format.
 *
 *     cc -O2 -o stream_writer examples/stream_writer.c
 *     mkfifo /tmp/camera && ./stream_writer /tmp/camera 100
 *
 * It sends lines of 8 bands x 16 samples, uint16, whose samples are band * 100 + sample + line. Replace read_line() with
 * what your camera's library gives. C11 with POSIX, little-endian machines.
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { BANDS = 8, SAMPLES = 16 };

/* CRC-32 as in zlib, PNG and Ethernet; zlib's crc32() gives the same, and is faster. */
static uint32_t crc32(const void *data, size_t length) {
    const uint8_t *bytes = data;
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

struct stream_header { /* the first 56 bytes; band centres, name and CRC follow */
    uint8_t magic[8];
    uint16_t version, kind;
    uint32_t length;
    uint16_t sample_type, bits, shift, quantity;
    uint32_t bands, samples, cube_lines;
    uint16_t flags, name_bytes;
    double scale, exposure_ms;
};

struct frame_header { /* 64 bytes; the line follows */
    uint8_t magic[8];
    uint16_t version, flags;
    uint32_t length;
    uint64_t sequence;
    int64_t camera_ns, monotonic_ns, utc_ns;
    uint32_t cube_line, reserved, payload_crc, header_crc;
};

_Static_assert(sizeof(struct stream_header) == 56, "padding in the stream header");
_Static_assert(sizeof(struct frame_header) == 64, "padding in the frame header");

static int send_all(int to, const void *data, size_t length) {
    const uint8_t *left = data;
    while (length > 0) {
        ssize_t sent = write(to, left, length);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return -1; /* EPIPE: the reader went away; open the FIFO again and begin with the stream header */
        left += sent;
        length -= (size_t)sent;
    }
    return 0;
}

static int send_stream_header(int to) {
    static const char name[] = "C writer";
    double centres_nm[BANDS];
    struct stream_header head = {
        .magic = {0x89, 'F', 'O', 'C', 'U', 'S', '\r', '\n'},
        .version = 1,
        .sample_type = 2, /* uint16 */
        .bits = 12,
        .bands = BANDS,
        .samples = SAMPLES,
        .flags = 1, /* band centres follow */
        .name_bytes = sizeof name - 1,
        .scale = 1.0,
    };
    uint8_t whole[sizeof head + sizeof centres_nm + sizeof name - 1 + 4];
    uint8_t *at = whole;
    uint32_t crc;
    for (int band = 0; band < BANDS; band++)
        centres_nm[band] = 400.0 + 50.0 * band;
    head.length = sizeof whole;
    memcpy(at, &head, sizeof head), at += sizeof head;
    memcpy(at, centres_nm, sizeof centres_nm), at += sizeof centres_nm;
    memcpy(at, name, sizeof name - 1), at += sizeof name - 1;
    crc = crc32(whole, (size_t)(at - whole));
    memcpy(at, &crc, 4);
    return send_all(to, whole, sizeof whole);
}

static int64_t now_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* flags: 1 ends the stream, 2 says that camera_ns means nothing, 4 that the line is damaged. */
static int send_frame(int to, uint64_t sequence, uint16_t flags, const void *line, uint32_t length) {
    struct frame_header head = {
        .magic = {0x89, 'F', 'R', 'A', 'M', 'E', '\r', '\n'},
        .version = 1,
        .flags = flags | 2,
        .length = length,
        .sequence = sequence,
        .monotonic_ns = now_ns(CLOCK_MONOTONIC),
        .utc_ns = now_ns(CLOCK_REALTIME),
        .payload_crc = crc32(line, length),
    };
    head.header_crc = crc32(&head, sizeof head - 4);
    return send_all(to, &head, sizeof head) || send_all(to, line, length) ? -1 : 0;
}

static void read_line(uint64_t number, uint16_t line[BANDS][SAMPLES]) {
    for (int band = 0; band < BANDS; band++)
        for (int sample = 0; sample < SAMPLES; sample++)
            line[band][sample] = (uint16_t)(100 * band + sample + number);
}

int main(int argc, char **argv) {
    uint64_t lines = argc > 2 ? strtoull(argv[2], NULL, 10) : 1000;
    uint16_t line[BANDS][SAMPLES];
    int to;
    if (argc < 2)
        return fprintf(stderr, "usage: %s FIFO [LINES]\n", argv[0]), 2;
    signal(SIGPIPE, SIG_IGN);
    to = open(argv[1], O_WRONLY); /* waits for the reader */
    if (to < 0 || send_stream_header(to) != 0)
        return perror(argv[1]), 1;
    for (uint64_t number = 0; number < lines; number++) {
        read_line(number, line);
        if (send_frame(to, number, 0, line, sizeof line) != 0)
            return perror(argv[1]), 1;
    }
    return send_frame(to, lines, 1, NULL, 0) != 0;
}

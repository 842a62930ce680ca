#include "privacy/coarsen.h"

#include <math.h>

#include "base/text.h"

static const double degree_m = 111320.0; /* of latitude; the grid is coarse, a sphere will do */
static const double pi = 3.14159265358979323846;

enum err
coarsen_place(double lat, double lon, struct place *out)
{
    if (!(lat >= -90 && lat <= 90) || !(lon >= -180 && lon <= 180))
        return ERR_MALFORMED;
    *out = (struct place){(int32_t)lround(lat * 1e4), (int32_t)lround(lon * 1e4)};
    return OK;
}

struct area
coarsen_area(struct place place)
{
    ASSERT(place.lat_e4 >= -900000 && place.lat_e4 <= 900000);
    ASSERT(place.lon_e4 >= -1800000 && place.lon_e4 <= 1800000);
    double north_m = (place.lat_e4 / 1e4 + 90) * degree_m;
    unsigned row = (unsigned)(north_m / COARSEN_AREA_M);
    double middle = ((row + 0.5) * COARSEN_AREA_M / degree_m - 90) * pi / 180;
    double east_m = (place.lon_e4 / 1e4 + 180) * degree_m * fmax(cos(middle), 0);
    unsigned column = (unsigned)(east_m / COARSEN_AREA_M);
    ASSERT(row <= UINT16_MAX && column <= UINT16_MAX);
    return (struct area){(uint16_t)row, (uint16_t)column};
}

void
coarsen_area_name(struct area area, char out[static COARSEN_AREA_SIZE])
{
    int n = snprintf(out, COARSEN_AREA_SIZE, "cell-%u-%u", area.row, area.column);
    ASSERT(n > 0 && n < COARSEN_AREA_SIZE);
}

enum err
coarsen_area_read(struct bytes name, struct area *out)
{
    static const char prefix[] = "cell-";
    uint64_t row, column;
    if (!bytes_start(name, prefix))
        return ERR_MALFORMED;
    struct bytes rest = bytes_skip(name, sizeof(prefix) - 1);
    size_t dash = bytes_find(rest, '-');
    if (dash == rest.len || text_u64(bytes_of(rest.p, dash), UINT16_MAX, &row) != OK ||
        text_u64(bytes_skip(rest, dash + 1), UINT16_MAX, &column) != OK)
        return ERR_MALFORMED;
    *out = (struct area){(uint16_t)row, (uint16_t)column};
    return OK;
}

//! Where a store is, in the forms that the database can search: cells of the H3 grid for
//! the index, a position on the unit sphere for the exact distance. Pure.

use h3o::{CellIndex, LatLng, Resolution};

use crate::kernel::geo::{EARTH_RADIUS_KM, GeoPoint};

/// One resolution of the grid, with its column.
struct Grid {
    resolution: Resolution,
    column: &'static str,
    /// No point of a cell is further from the cell's centre. The largest cells measure
    /// 28.7, 4.10 and 0.586 km.
    reach_km: f64,
    /// Searches up to this radius use this grid: some forty cells at the most.
    radius_max_km: f64,
}

const GRIDS: [Grid; 3] = [
    Grid {
        resolution: Resolution::Eight,
        column: "cell_8",
        reach_km: 0.62,
        radius_max_km: 1.5,
    },
    Grid {
        resolution: Resolution::Six,
        column: "cell_6",
        reach_km: 4.3,
        radius_max_km: 12.0,
    },
    Grid {
        resolution: Resolution::Four,
        column: "cell_4",
        reach_km: 30.0,
        radius_max_km: f64::INFINITY,
    },
];

/// The cells of a place: what its row carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cells {
    /// Resolution 4, some 45 km across.
    pub cell_4: i64,
    /// Resolution 6, some 6 km across.
    pub cell_6: i64,
    /// Resolution 8, some 900 m across.
    pub cell_8: i64,
}

impl Cells {
    /// The cells that hold a place.
    pub fn of(place: GeoPoint) -> Self {
        let place = lat_lng(place);
        Self {
            cell_4: number(place.to_cell(Resolution::Four)),
            cell_6: number(place.to_cell(Resolution::Six)),
            cell_8: number(place.to_cell(Resolution::Eight)),
        }
    }
}

/// Cells that together hold every place within a radius, and some beyond it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cover {
    /// The column that the cells belong to.
    pub column: &'static str,
    /// The cells, each once.
    pub cells: Vec<i64>,
}

impl Cover {
    /// Covers the disk of `radius_km` around `centre`.
    ///
    /// A place in the disk lies at most `reach_km` from its cell's centre, so that centre
    /// lies within radius + reach of ours. The cells whose centre does are joined: along
    /// the great circle from `centre` to the place, every point's cell is one of them, and
    /// each is the neighbour of the one before. So growing from the centre's own cell
    /// finds them all, over poles, the date line and the grid's pentagons.
    pub fn disk(centre: GeoPoint, radius_km: f64) -> Self {
        let [fine, middle, coarse] = &GRIDS;
        let grid = [fine, middle]
            .into_iter()
            .find(|grid| radius_km <= grid.radius_max_km)
            .unwrap_or(coarse);
        let limit_km = radius_km + grid.reach_km;
        let mut found = vec![lat_lng(centre).to_cell(grid.resolution)];
        let mut next = 0;
        while let Some(cell) = found.get(next) {
            for neighbour in cell.grid_disk::<Vec<CellIndex>>(1) {
                if !found.contains(&neighbour)
                    && centre.distance_km(middle_of(neighbour)) <= limit_km
                {
                    found.push(neighbour);
                }
            }
            next += 1;
        }
        Self {
            column: grid.column,
            cells: found.into_iter().map(number).collect(),
        }
    }
}

/// A position on the unit sphere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unit {
    /// Towards latitude 0, longitude 0.
    pub x: f64,
    /// Towards latitude 0, longitude 90.
    pub y: f64,
    /// Towards the north pole.
    pub z: f64,
}

impl Unit {
    /// The position of a place.
    pub fn of(place: GeoPoint) -> Self {
        let (latitude, longitude) = (place.latitude.to_radians(), place.longitude.to_radians());
        Self {
            x: latitude.cos() * longitude.cos(),
            y: latitude.cos() * longitude.sin(),
            z: latitude.sin(),
        }
    }
}

/// The square of the chord between two places `km` apart on the great circle.
pub fn chord_squared(km: f64) -> f64 {
    (2.0 * (km / (2.0 * EARTH_RADIUS_KM)).sin()).powi(2)
}

/// The great-circle distance that belongs to the square of a chord.
pub fn kilometres(chord_squared: f64) -> f64 {
    2.0 * EARTH_RADIUS_KM * (chord_squared.sqrt() / 2.0).clamp(0.0, 1.0).asin()
}

fn lat_lng(place: GeoPoint) -> LatLng {
    // Checked coordinates are finite, which is all that the grid asks.
    LatLng::new(place.latitude, place.longitude).unwrap_or_default()
}

fn middle_of(cell: CellIndex) -> GeoPoint {
    let middle = LatLng::from(cell);
    GeoPoint {
        latitude: middle.lat(),
        longitude: middle.lng(),
    }
}

/// Cell numbers use 63 bits, so they are the same number in a signed column.
fn number(cell: CellIndex) -> i64 {
    u64::from(cell).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Places all over the globe, with the awkward ones often: poles, date line, pentagons.
    fn anywhere() -> impl Strategy<Value = GeoPoint> {
        let free = (-90.0..=90.0_f64, -180.0..=180.0_f64);
        let polar = (
            prop_oneof![89.0..=90.0_f64, -90.0..=-89.0_f64],
            -180.0..=180.0_f64,
        );
        let dated = (
            -90.0..=90.0_f64,
            prop_oneof![179.0..=180.0_f64, -180.0..=-179.0_f64],
        );
        let pentagon = (0..12_usize, -1.0..1.0_f64, -1.0..1.0_f64).prop_map(|(nth, lat, lng)| {
            let pentagons: Vec<_> = Resolution::Four.pentagons().collect();
            let middle = middle_of(pentagons[nth]);
            (
                (middle.latitude + lat).clamp(-90.0, 90.0),
                (middle.longitude + lng).clamp(-180.0, 180.0),
            )
        });
        prop_oneof![free, polar, dated, pentagon].prop_map(|(latitude, longitude)| GeoPoint {
            latitude,
            longitude,
        })
    }

    /// The place at `km` from `start` in the direction `bearing`, in degrees from north.
    fn towards(start: GeoPoint, bearing: f64, km: f64) -> GeoPoint {
        let (latitude, bearing) = (start.latitude.to_radians(), bearing.to_radians());
        let angle = km / EARTH_RADIUS_KM;
        let end = (latitude.sin() * angle.cos() + latitude.cos() * angle.sin() * bearing.cos())
            .clamp(-1.0, 1.0)
            .asin();
        let turn = (bearing.sin() * angle.sin() * latitude.cos())
            .atan2(angle.cos() - latitude.sin() * end.sin());
        let longitude = start.longitude + turn.to_degrees();
        GeoPoint {
            latitude: end.to_degrees(),
            longitude: (longitude + 540.0).rem_euclid(360.0) - 180.0,
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn every_place_in_the_disk_lies_in_the_cover(
            centre in anywhere(),
            radius in prop_oneof![0.1..=1.5_f64, 1.5..=12.0_f64, 12.0..=100.0_f64],
            bearing in 0.0..360.0_f64,
            // Often at the very edge.
            part in prop_oneof![0.0..=1.0_f64, 0.999..=1.0_f64],
        ) {
            let place = towards(centre, bearing, radius * part);
            let cells = Cells::of(place);
            let cover = Cover::disk(centre, radius);
            let cell = match cover.column {
                "cell_8" => cells.cell_8,
                "cell_6" => cells.cell_6,
                _ => cells.cell_4,
            };
            prop_assert!(cover.cells.contains(&cell), "{place:?}");
            prop_assert!(cover.cells.len() <= 60, "{} cells", cover.cells.len());
        }

        #[test]
        fn no_cell_reaches_further_than_its_grid_says(place in anywhere()) {
            for grid in GRIDS {
                let cell = lat_lng(place).to_cell(grid.resolution);
                let middle = middle_of(cell);
                for corner in cell.boundary().iter() {
                    let corner = GeoPoint { latitude: corner.lat(), longitude: corner.lng() };
                    prop_assert!(middle.distance_km(corner) < grid.reach_km * 0.98);
                }
            }
        }

        #[test]
        fn chords_measure_the_great_circle(a in anywhere(), bearing in 0.0..360.0_f64, km in 0.0..200.0_f64) {
            let b = towards(a, bearing, km);
            let (p, q) = (Unit::of(a), Unit::of(b));
            let chord = (p.x - q.x).powi(2) + (p.y - q.y).powi(2) + (p.z - q.z).powi(2);
            prop_assert!((kilometres(chord) - a.distance_km(b)).abs() < 1e-6);
            prop_assert!((kilometres(chord_squared(km)) - km).abs() < 1e-9);
        }
    }
}

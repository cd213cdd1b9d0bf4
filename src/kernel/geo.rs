//! Points on the globe and great-circle distance.

/// Mean radius of the Earth in kilometres (IUGG).
pub const EARTH_RADIUS_KM: f64 = 6371.0;

/// A point in degrees, WGS 84.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GeoPoint {
    /// −90 (south) to 90 (north).
    pub latitude: f64,
    /// −180 (west) to 180 (east).
    pub longitude: f64,
}

impl GeoPoint {
    /// Great-circle distance in kilometres, by the haversine formula: exact enough at
    /// every distance, at the poles and over the date line.
    pub fn distance_km(self, other: Self) -> f64 {
        let (lat_a, lat_b) = (self.latitude.to_radians(), other.latitude.to_radians());
        let half_lat = (lat_b - lat_a) / 2.0;
        let half_lon = (other.longitude - self.longitude).to_radians() / 2.0;
        let chord = half_lat.sin().powi(2) + lat_a.cos() * lat_b.cos() * half_lon.sin().powi(2);
        2.0 * EARTH_RADIUS_KM * chord.sqrt().clamp(0.0, 1.0).asin()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(latitude: f64, longitude: f64) -> GeoPoint {
        GeoPoint {
            latitude,
            longitude,
        }
    }

    #[test]
    fn known_distances_hold() {
        let cases = [
            (at(36.7538, 3.0588), at(35.6971, -0.6308), 351.0), // Algiers – Oran
            (at(0.0, 179.9), at(0.0, -179.9), 22.2),            // over the date line
            (at(89.9, 0.0), at(89.9, 180.0), 22.2),             // over the pole
            (at(10.0, 20.0), at(10.0, 20.0), 0.0),
            (at(0.0, 0.0), at(0.0, 180.0), 20015.1), // antipodes
        ];
        for (a, b, km) in cases {
            assert!(
                (a.distance_km(b) - km).abs() < 1.0,
                "{a:?} {b:?} {}",
                a.distance_km(b)
            );
        }
    }
}

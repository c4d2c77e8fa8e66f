//! Writes small valid files as the beginnings of the fuzz targets' corpora.

#[path = "../tests/samples/mod.rs"]
mod samples;

use samples::*;

fn main() -> std::io::Result<()> {
    let packed = Style { compressed: true, ..PLAIN };
    let doubles = Style { class: 6, kind: 9, ..PLAIN };
    use image::ImageFormat::{Bmp, Gif, Jpeg, Png, Tiff, WebP};
    let pictures = [Png, Jpeg, WebP, Gif, Bmp, Tiff].map(|format| picture(format, 20, 12, [9, 200, 77]));
    let corpora = [
        ("idx", vec![idx_images(1), idx_labels(20), gzip(&idx_images(1)), gzip(&idx_labels(20))]),
        ("cifar", vec![cifar(1), cifar_archive(1), cifar_pickle(1, "labels"), cifar_python_archive(1)]),
        (
            "mat",
            vec![
                svhn(PLAIN, 1),
                svhn(packed, 1),
                svhn(doubles, 1),
                svhn(Style { big_endian: true, ..PLAIN }, 1),
            ],
        ),
        ("csv", vec![fer(1).into_bytes(), b"emotion,pixels,Usage\n1,1 2 3,Training\n".to_vec()]),
        ("picture", pictures.to_vec()),
    ];
    for (target, files) in corpora {
        let folder = std::path::Path::new("corpus").join(target);
        std::fs::create_dir_all(&folder)?;
        for (i, bytes) in files.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{i}")), bytes)?;
        }
    }
    Ok(())
}
